"""What can be done to one line of SQL so that it says something else.

Each operator finds its places in the line; each place gives one changed line for each replacement.
What PostgreSQL does not take as a function is no mutant, so that an operator need not know grammar.
"""

import re
from collections.abc import Iterator

from app.model import EventType, Status

KEYS = ("amount", "order_code")
ACCOUNTS = {"'suspense'": "'payos:clearing'", "'payos:clearing'": "'suspense'"}
STATUSES = {f"'{s}'": f"'{t}'" for s, t in zip(Status, [*Status][1:] + [*Status][:1], strict=True)}
TYPES = {
    f"'{s}'": f"'{t}'" for s, t in zip(EventType, [*EventType][1:] + [*EventType][:1], strict=True)
}

REPLACED: list[tuple[str, tuple[str, ...]]] = [
    # comparisons and logic
    (r"(?<=\s)=(?=\s)", ("<>",)),
    (r"<>", ("=",)),
    (r">=", (">", "<")),
    (r"\bIS NOT NULL\b", ("IS NULL",)),
    (r"\bIS NULL\b", ("IS NOT NULL",)),
    (r"\bIS DISTINCT FROM\b", ("IS NOT DISTINCT FROM",)),
    (r"(?<!NOT )\bIN \(", ("NOT IN (",)),
    (r"\bNOT EXISTS\b", ("EXISTS",)),
    (r"\bOR\b", ("AND",)),
    (r"\bAND\b", ("OR",)),
    (r"= ANY\b", ("<> ALL",)),
    (r"\bIF (.+) THEN", (r"IF NOT (\1) THEN",)),
    (r"\bELSIF (.+) THEN", (r"ELSIF NOT (\1) THEN",)),
    (r"\bCASE WHEN (.+) THEN", (r"CASE WHEN NOT (\1) THEN",)),
    # arithmetic and constants
    (r"(?<=\s)\+(?=\s)", ("-",)),
    (r"-(?=\(|v_)", ("",)),
    (r"\b0\b", ("1",)),
    (r"(?<=\+ )1\b", ("2",)),
    (r"\btrue\b", ("false",)),
    (r"\bfalse\b", ("true",)),
    (r"''", ("'-'",)),
    (r"(?<=:= )NULL;", ("clock_timestamp();",)),
    (r"^NULL;", ("v_next.status := 'failed';",)),
    (r"'TU\d{3}'", ("'TU000'",)),
    (r"\bsecs\b", ("mins",)),
    (r"\bsum\(", ("max(",)),
    (r"\bUNION ALL\b", ("EXCEPT ALL",)),
    # members of the data, columns, variables
    (r"(?<=\? )'\w+'", ("'unheard_of'",)),
    (r"(?<=- )'\w+'", ("'unheard_of'",)),
    (r"\bp_event\.recorded_at\b", ("p_event.occurred_at",)),
    (r"(?<=[ (])p_recorded_at\b(?! t)", ("clock_timestamp()",)),
    (r"\bp_event\.type\b", ("'topup.linked'",)),
    (r"\bp_event\.tx_ref\b", ("NULL",)),
    (r"\bp_event\.seq\b", ("p_event.id",)),
    (r"\bp_event\.data\b", ("'{}'::jsonb",)),
    (r"\bp_event\.event_id\b", ("gen_random_uuid()",)),
    (r"\bp_state\.amount\b(?!_)", ("p_state.amount_paid",)),
    (r"\bp_state\.amount_paid\b", ("p_state.amount",)),
    (r"\bp_user_id\b(?! bigint)", ("NULL::bigint",)),
    (r"\bv_state\.user_id\b", ("1", "NULL")),
    (r"\bp\.account\b", ("'suspense'",)),
    (r"\bp\.user_id\b", ("1",)),
    (r"\bp\.amount\b", ("(p.amount + 1)",)),
    (r"\bv_balance\b(?= END)", ("v_balance + 1",)),
    (r"\bw\.balance\b(?= INTO)", ("w.version",)),
    (r"\bNEW\.tx_ref\b", ("'T00000000'",)),
    (r"\bNEW\.seq\b", ("NEW.id",)),
    (r"\bNEW\.type\b", ("'topup.linked'",)),
    (r"\bNEW\.event_id\b", ("gen_random_uuid()",)),
    (r"\bNEW\b(?!\.)", ("NULL",)),
    (r"\bRETURN NULL;", ("RETURN NEW;",)),
    (r"^RETURN;", ("NULL;",)),
    (r"\bARRAY\[\](?=::topup\.posting)", ("ARRAY[ROW('suspense', NULL, 1)]",)),
    (r"\bunnest\(v_postings\)", ("unnest(v_postings[1:1])",)),
    (r"\bRETURN v_(next|state);", ("RETURN p_state;",)),
    (r"\bRETURN v_facts;", ("RETURN p_facts;",)),
    (r"\bARRAY p_facts\b", ("ARRAY p_facts[1:1]", "ARRAY p_facts[2:]")),
    (r"\bARRAY v_postings\b", ("ARRAY v_postings[1:1]",)),
    (r"\bunnest\(p_facts\)", ("unnest(p_facts[2:])",)),
    (
        r"\bv_fact\.(event_id|tx_ref|seq|type|data|occurred_at)\b(?=[,)]|$| [I=]| \|)",
        ("NULL",),
    ),
    (r"\bv_topup\b(?=[,)])", ("NULL",)),
    (r"\bv_facts\b(?=\))", ("p_facts",)),
    (r"\btopup\.next_state(?=,)", ("pg_temp.as_it_was",)),
    (r"(?<== )v_state\.(\w+)$", (r"t.\1",)),
    (r"\|\| jsonb_build_object\(.+\)", ("|| '{}'",)),
    (r"(?<=:= )(p_\w+(\.\w+)?|'\w+'|ARRAY\[\]::.+);", ("NULL;",)),
]


def changed(line: str) -> Iterator[str]:
    """The line, without indentation and comment, in every other way; no way twice."""
    seen = {line}
    for other in (*_replaced(line), *_swapped(line), *_other_key(line)):
        if other not in seen:
            seen.add(other)
            yield other


def _replaced(line: str) -> Iterator[str]:
    for pattern, replacements in REPLACED:
        for place in re.finditer(pattern, line):
            for replacement in replacements:
                yield _put(line, place, place.expand(replacement))
    for literals in (ACCOUNTS, STATUSES, TYPES):
        for place in re.finditer(r"'[\w.:]+'", line):
            if place[0] in literals:
                yield _put(line, place, literals[place[0]])


def _other_key(line: str) -> Iterator[str]:
    """Another member of the data is read."""
    for place in re.finditer(r"(?<=->> )'(\w+)'", line):
        yield _put(line, place, f"'{KEYS[place[1] == KEYS[0]]}'")


def _swapped(line: str) -> Iterator[str]:
    """coalesce(b, a) for coalesce(a, b), if both are on the line; and each of them alone."""
    for place in re.finditer(r"\bcoalesce\(", line):
        start, depth, comma = place.end(), 1, None
        for end in range(start, len(line)):
            depth += {"(": 1, ")": -1}.get(line[end], 0)
            if line[end] == "," and depth == 1:
                comma = end
            if depth == 0:
                break
        else:
            continue
        if comma is not None:
            first, second = line[start:comma], line[comma + 1 : end].strip()
            for arguments in (f"{second}, {first}", first, second):
                yield f"{line[:start]}{arguments}{line[end:]}"


def _put(line: str, place: re.Match[str], replacement: str) -> str:
    return line[: place.start()] + replacement + line[place.end() :]

"""docs/mutations.md: the list of mutants and of what noticed each."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from tests.mutations.equivalent import EQUIVALENT
from tests.mutations.mutants import Mutant
from tests.mutations.proof import Noticed

DOCUMENT = Path(__file__).parents[2] / "docs" / "mutations.md"
Tried = list[tuple[Mutant, Noticed]]

HEAD = """\
# Mutations

Each executable line of each projector was changed, one at a time: left out, negated, another
constant, another column. On the changed function one history was played that has every type of
event in every status. What noticed is listed: a statement of the history that raised, a deferred
constraint, `audit.drift()`, `audit.money_equation`, or the oracle (`tests/laws/oracle.py`), which
tells the rules a second time. `audit.drift()` folds with the function that is changed, so a wrong
`next_state` agrees with itself: that is for the oracle to notice.

Written by `pytest tests/mutations --mutants write`. `--mutants all` tries all and compares;
without it every {step}th is tried.
"""


def written(tried: Tried, step: int) -> str:
    found = sum(bool(noticed) for _, noticed in tried)
    score = (
        f"{found} of {len(tried)} found; the other {len(tried) - found} change nothing,"
        " and are listed at the end with the reason."
    )
    by = Counter(name for _, noticed in tried for name in noticed)
    counts = [f"| {name} | {count} |" for name, count in by.most_common()]
    parts = [
        HEAD.format(step=step),
        score,
        "\n".join(["| noticed by | mutants |", "|---|---|", *counts]),
    ]
    for function in dict.fromkeys(mutant.function for mutant, _ in tried):
        rows = [row(*one) for one in tried if one[0].function == function]
        table = "\n".join(["| is | changed to | noticed by |", "|---|---|---|", *rows])
        parts.append(f"## {function}\n\n{table}")
    reasons = [
        f"| {function} | {code(line)} | {code(change)} | {reason} |"
        for (function, line, change), reason in EQUIVALENT.items()
    ]
    head = ["| function | is | changed to | why nothing is different |", "|---|---|---|---|"]
    parts.append("## Equivalent\n\n" + "\n".join(head + reasons))
    return "\n\n".join(part.strip() for part in parts) + "\n"


def row(mutant: Mutant, noticed: Noticed) -> str:
    by = ", ".join(noticed) or "equivalent"
    return f"| {code(mutant.line)} | {code(mutant.change)} | {by} |"


def rows(document: str) -> set[str]:
    return {line for line in document.splitlines() if line.startswith("|")}


def missing(tried: Iterable[tuple[Mutant, Noticed]], document: str) -> list[str]:
    """Rows that the document should have."""
    there = rows(document)
    return [text for one in tried if (text := row(*one)) not in there]


def code(text: str) -> str:
    return text if text == "(left out)" else f"`{text.replace('|', chr(92) + '|')}`"

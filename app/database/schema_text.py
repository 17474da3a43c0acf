"""A schema as text: what a database has, so that it can be read, and compared with sql/schema.txt.

Bodies of functions and views are in their files and not repeated here.
"""

import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, LiteralString

import psycopg
from psycopg import AsyncConnection
from psycopg.rows import namedtuple_row

from app.database.connecting import connect
from app.database.schema_bodies import foreign_bodies, foreign_views
from app.database.schema_catalog import COLUMNS, FUNCTIONS, RELATIONS, ROLES, RULES, SCHEMAS
from app.errors import ConfigurationError

OWNER = "topup_owner"
PRIVILEGES = MappingProxyType(
    {"U": "USAGE", "C": "CREATE", "X": "EXECUTE", "r": "SELECT", "a": "INSERT", "w": "UPDATE"}
    | {"d": "DELETE", "D": "TRUNCATE", "x": "REFERENCES", "t": "TRIGGER", "m": "MAINTAIN"}
)
"""By their letters in an aclitem."""

GRANT = re.compile(r"(?P<role>\w*)=(?P<letters>[\w*]*)/\w+")
SHORTER = MappingProxyType({"timestamp with time zone": "timestamptz", "'::text": "'"})
NO_VIEWS = (psycopg.errors.InsufficientPrivilege, psycopg.errors.ReadOnlySqlTransaction)
QUALIFIED = "SET search_path = pg_catalog"
WIDTH = 100
INDENT = " " * 4
HEAD = """\
The schema that the files below sql/ make, as PostgreSQL tells it: `make golden` writes this text,
a test compares it, and `python -m app schema --check` compares a database with it.

Every function has search_path pg_catalog, pg_temp. One with SECURITY DEFINER is a door. What a
role may do is said where it is not the owner. Bodies and reasons are in functions/ and audit/.
"""


@dataclass(frozen=True, slots=True)
class Schema:
    """`foreign`: functions and views that are not those in the files of this version.

    `unseen`: why the role could not compare the views; None: it did.
    """

    text: str
    foreign: Sequence[str]
    unseen: str | None


async def read_schema(database_url: str) -> Schema:
    """What that database has. Raises ConfigurationError when it cannot be read."""
    try:
        async with await connect(database_url, "schema") as connection:
            await connection.execute(QUALIFIED)
            text, foreign = await schema_text(connection), await foreign_bodies(connection)
            try:
                return Schema(text, [*foreign, *await foreign_views(connection)], None)
            except NO_VIEWS as error:
                return Schema(text, foreign, error.diag.message_primary)
    except psycopg.Error as error:
        complaint = f"the schema cannot be read: {str(error).strip()}"
        raise ConfigurationError("DATABASE_URL", complaint, "Check the address.") from error


async def schema_text(connection: AsyncConnection[Any]) -> str:
    """Everything in the schemas `topup` and `audit`. Equal texts, equal schemas, on any version."""
    parts = [HEAD, _table(await _read(connection, ROLES), "ROLE ")]
    for schema in await _read(connection, SCHEMAS):
        parts.append(_block(f"SCHEMA {schema.name}", schema))
        for relation in await _read(connection, RELATIONS, schema.oid):
            columns = await _read(connection, COLUMNS, relation.oid, relation.oid)
            rules = await _read(connection, RULES, relation.oid)
            parts.append(_relation(relation, columns, rules))
        parts += [_function(found) for found in await _read(connection, FUNCTIONS, schema.oid)]
    return "\n".join(parts)


async def _read(connection: AsyncConnection[Any], query: LiteralString, *values: Any) -> list[Any]:
    async with connection.cursor(row_factory=namedtuple_row) as cursor:
        await cursor.execute(query, values)
        return await cursor.fetchall()


def _relation(relation: Any, columns: Sequence[Any], rules: Sequence[Any]) -> str:
    options = f" WITH ({relation.options})" if relation.options else ""
    head = _block(f"{relation.kind} {relation.name}{options}", relation)
    told = (_filled(f"{rule.name}  {_shortened(rule.definition)}", INDENT) for rule in rules)
    return "\n".join(filter(None, [head, _table(columns, INDENT), "".join(told)]))


def _function(function: Any) -> str:
    signature = f"{function.name}({function.arguments}) → {function.result}"
    title = _filled(_shortened(f"{function.kind} {signature}"), "")
    return _block(title.rstrip(), function, function.manner)


def _block(title: str, thing: Any, manner: str | None = None) -> str:
    """What it is, what is said of it, who may do what with it."""
    comment = _filled(thing.comment, INDENT, hanging="") if thing.comment else ""
    granted = "; ".join(filter(None, [manner, *_grants(thing.privileges, manner is not None)]))
    return f"{title}\n{comment}" + (f"{INDENT}{granted}\n" if granted else "")


def _table(columns: Sequence[Any], indent: str) -> str:
    """Name, type and comment of each, aligned."""
    rows = [(c.name, _shortened(c.type), " ".join((c.comment or "").split())) for c in columns]
    names, types = (max((len(row[i]) for row in rows), default=0) for i in (0, 1))
    lines = (f"{indent}{name:{names}}  {type:{types}}  {said}" for name, type, said in rows)
    return "".join(f"{line.rstrip()}\n" for line in lines)


def _grants(privileges: Sequence[str] | None, is_function: bool) -> list[str]:
    """What each role but the owner may do, by default or because it was granted."""
    if privileges is None:
        return ["PUBLIC may EXECUTE"] if is_function else []
    found = [match for text in privileges if (match := GRANT.fullmatch(text))]
    return sorted(
        f"{match['role'] or 'PUBLIC'} may {_spelled(match['letters'])}"
        for match in found
        if match["role"] != OWNER
    )


def _spelled(letters: str) -> str:
    return ", ".join(PRIVILEGES.get(letter, "GRANT IT") for letter in letters)


def _shortened(definition: str) -> str:
    for long, short in SHORTER.items():
        definition = definition.replace(long, short)
    return definition


def _filled(text: str, indent: str, hanging: str = INDENT) -> str:
    return (
        textwrap.fill(
            text,
            WIDTH,
            initial_indent=indent,
            subsequent_indent=indent + hanging,
            break_long_words=False,
            break_on_hyphens=False,
        )
        + "\n"
    )

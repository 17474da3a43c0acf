"""A connection for one command. What is wrong with an address is told without its password."""

import psycopg
from psycopg import AsyncConnection, ConnectionInfo
from psycopg.conninfo import conninfo_to_dict

from app.errors import ConfigurationError

SERVER_VERSION_MIN = 150000


def check_address(setting: str, url: str) -> None:
    """Raises ConfigurationError, before libpq complains of an address by repeating its password."""
    try:
        host = str(conninfo_to_dict(url).get("host"))
    except psycopg.ProgrammingError:
        host = "@"
    if "@" in host:  # which is the end of a password
        raise ConfigurationError(
            setting,
            "is not an address.",
            "Write postgresql://user:password@host/database, where an @ of the password is %40.",
        )


async def connect(database_url: str, command: str, *, autocommit: bool = False) -> AsyncConnection:
    """`command` is what pg_stat_activity says of it. Raises ConfigurationError."""
    check_address("DATABASE_URL", database_url)
    try:
        connection = await AsyncConnection.connect(
            database_url, autocommit=autocommit, application_name=f"napvi {command}"
        )
    except psycopg.OperationalError as error:
        complaint = f"the database cannot be reached: {str(error).strip()}"
        remedy = "Check that it runs, and the address and the password."
        raise ConfigurationError("DATABASE_URL", complaint, remedy) from error
    if fault := _fault(connection.info):
        await connection.close()
        raise ConfigurationError("DATABASE_URL", *fault)
    return connection


def _fault(info: ConnectionInfo) -> tuple[str, str] | None:
    """The complaint and the remedy, if there is anything to complain about."""
    if info.server_version < SERVER_VERSION_MIN:
        return "the server is too old.", "Use PostgreSQL 15 or newer."
    encoding = info.parameter_status("server_encoding")
    if encoding != "UTF8":  # names and reasons are Vietnamese
        complaint = f"the database has the encoding {encoding}, not UTF8."
        return complaint, "Use one made so: CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0."
    return None

"""A connection for one command. What is wrong with DATABASE_URL is told without its password."""

import psycopg
from psycopg import AsyncConnection
from psycopg.conninfo import conninfo_to_dict

from app.errors import ConfigurationError

SERVER_VERSION_MIN = 150000


async def connect(database_url: str, command: str, *, autocommit: bool = False) -> AsyncConnection:
    """`command` is what pg_stat_activity says of it. Raises ConfigurationError."""
    try:
        host = str(conninfo_to_dict(database_url).get("host"))
        if "@" in host:  # which is the end of a password
            raise psycopg.ProgrammingError
        connection = await AsyncConnection.connect(
            database_url, autocommit=autocommit, application_name=f"napvi {command}"
        )
    except psycopg.OperationalError as error:
        complaint = f"the database cannot be reached: {str(error).strip()}"
        remedy = "Check that it runs, and the address and the password."
        raise ConfigurationError("DATABASE_URL", complaint, remedy) from error
    except psycopg.ProgrammingError:  # its message would repeat the password
        raise not_an_address() from None
    if connection.info.server_version < SERVER_VERSION_MIN:
        await connection.close()
        complaint, remedy = "the server is too old.", "Use PostgreSQL 15 or newer."
        raise ConfigurationError("DATABASE_URL", complaint, remedy)
    return connection


def not_an_address() -> ConfigurationError:
    return ConfigurationError(
        "DATABASE_URL",
        "is not an address.",
        "Write postgresql://user:password@host/database, where an @ of the password is %40.",
    )

"""What a program of PostgreSQL has to be told, to find a database."""

import psycopg
from psycopg import pq
from psycopg.conninfo import conninfo_to_dict

from app.database.connecting import not_an_address


def environment_of(database_url: str) -> dict[str, str]:
    """`PGHOST` and its like. Raises ConfigurationError for what is no URL of libpq."""
    try:
        said = conninfo_to_dict(database_url)
    except psycopg.ProgrammingError:
        raise not_an_address() from None
    variables = {
        option.keyword.decode(): option.envvar.decode()
        for option in pq.Conninfo.get_defaults()
        if option.envvar is not None
    }
    return {variables[name]: str(value) for name, value in said.items() if name in variables}

"""What a program of PostgreSQL has to be told, to find a database."""

from psycopg import pq
from psycopg.conninfo import conninfo_to_dict

from app.database.connecting import check_address


def environment_of(database_url: str) -> dict[str, str]:
    """`PGHOST` and its like. Raises ConfigurationError for what is no URL of libpq."""
    check_address("DATABASE_URL", database_url)
    variables = {
        option.keyword.decode(): option.envvar.decode()
        for option in pq.Conninfo.get_defaults()
        if option.envvar is not None
    }
    said = conninfo_to_dict(database_url)
    return {variables[name]: str(value) for name, value in said.items() if name in variables}

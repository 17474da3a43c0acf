"""`make golden`: writes sql/schema.txt from a new database."""

import asyncio

from app.commands.schema import GOLDEN
from app.database.embedded.binaries import find_binaries
from app.database.migrate import migrate
from app.database.schema_text import read_schema
from tests.postgres import throw_away_postgres


async def new_schema(url: str) -> str:
    await migrate(url)
    return (await read_schema(url)).text


if __name__ == "__main__":
    with throw_away_postgres(find_binaries(None)) as postgres, postgres.database("golden") as url:
        GOLDEN.write_text(asyncio.run(new_schema(url)), "utf-8")

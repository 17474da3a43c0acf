"""`python -m tests.upgrade.release DIR` keeps the database of a release: tests/upgrade/VERSION.sql.

Run it at the commit of the release, with the `bin` DIR of the oldest PostgreSQL that napvi
supports: its dump loads into every newer one. Nothing of it is edited afterwards.
"""

import asyncio
import re
import subprocess
import sys
from pathlib import Path

from app.database.migrate import migrate
from app.factory import VERSION
from tests.postgres import throw_away_postgres
from tests.upgrade.history import live

HERE = Path(__file__).parent
HEAD = """\
-- The database of napvi {version} as its commit {commit} makes and fills it:
-- written by tests/upgrade/release.py, never edited. It needs the three roles of sql/bootstrap.sql.
"""
PSQL_ONLY = re.compile(r"^\\.*\n", re.MULTILINE)


async def make(url: str) -> None:
    await migrate(url)
    await live(url)


def dump(bin_dir: Path, url: str) -> str:
    """Statements only, for any client."""
    arguments = ["--inserts", "--rows-per-insert=100", "--no-sync"]
    done = subprocess.run(
        [bin_dir / "pg_dump", *arguments, url], check=True, capture_output=True, text=True
    )
    return PSQL_ONLY.sub("", done.stdout)


def main(bin_dir: Path) -> None:
    told = subprocess.run(["git", "rev-parse", "HEAD"], check=True, capture_output=True, text=True)
    with throw_away_postgres(bin_dir) as postgres, postgres.database("release") as url:
        asyncio.run(make(url))
        path = HERE / f"{VERSION}.sql"
        head = HEAD.format(version=VERSION, commit=told.stdout.strip())
        path.write_text(head + dump(bin_dir, url), "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))

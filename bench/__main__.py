"""`python -m bench`: napvi and its peers side by side, in one run on one machine.

Every round measures each contender once, in turn, so that what else the machine does falls on all
of them; what counts is the ratio within a round.
"""

from dataclasses import replace
from pathlib import Path

import click
import psycopg

from app.processes import raise_file_limit
from bench import appends, channels, commits, costs, growth, latency, streams, webhooks
from bench.places import place_for
from bench.report import keep, lines
from bench.scale import FULL, QUICK
from bench.service import running_database

WORKLOADS = {
    workload.WORKLOAD: workload.run
    for workload in (latency, webhooks, commits, streams, appends, channels, growth, costs)
}


@click.command()
@click.option("--quick", is_flag=True, help="Under two minutes; nothing is written.")
@click.option("--rounds", type=int, help="Of each workload; default: 5, and 1 when quick.")
@click.option(
    "--only", type=click.Choice(list(WORKLOADS)), help="One workload; nothing is written."
)
@click.option(
    "--postgres-bin",
    type=click.Path(path_type=Path, exists=True),
    help="Another PostgreSQL; nothing is written without --keep.",
)
@click.option("--keep", "kept", is_flag=True, help="Write also what another PostgreSQL gave.")
def main(
    quick: bool, rounds: int | None, only: str | None, postgres_bin: Path | None, kept: bool
) -> None:
    """Measure, print the ratios, and write them to docs/benchmarks.md and bench/results."""
    if kept and (quick or only):
        raise click.UsageError("Only a whole run is kept.")
    kept = kept or not (quick or only or postgres_bin)
    scale = QUICK if quick else FULL
    scale = replace(scale, rounds=rounds or scale.rounds)
    raise_file_limit()
    figures = []
    with running_database(postgres_bin) as database_url:
        version = _version(database_url)
        place = place_for(version if postgres_bin else "") if kept else None
        for name, run in WORKLOADS.items():
            if only in {None, name}:
                figures += run(database_url, scale)
    for figure in figures:
        click.echo("\n".join(lines(figure)))
    if place is not None:
        click.echo(f"Written: {keep(figures, scale.rounds, version, place)}")


def _version(database_url: str) -> str:
    with psycopg.connect(database_url) as connection:
        return str(connection.info.server_version // 10_000)


if __name__ == "__main__":
    main()

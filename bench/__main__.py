"""`python -m bench`: napvi and its peers side by side, in one run on one machine.

Every round measures each contender once, in turn, so that what else the machine does falls on all
of them; what counts is the ratio within a round.
"""

import sys
from contextlib import ExitStack
from pathlib import Path

import click
import psycopg

from bench import latency, webhooks
from bench.contenders import napvi, starlette_redis
from bench.crowd import crowd_at
from bench.figures import Figure
from bench.results import keep, lines
from bench.senders import senders_to
from bench.service import running_database

ROUNDS = 5
STREAMS, QUICK_STREAMS = 1_000, 200
PAYMENTS, QUICK_PAYMENTS = 400, 150
WEBHOOKS, QUICK_WEBHOOKS = 3_000, 1_000


@click.command()
@click.option("--quick", is_flag=True, help="Under two minutes; nothing is written.")
@click.option("--rounds", default=ROUNDS, show_default=True)
def main(quick: bool, rounds: int) -> None:
    """Measure, print the ratios, and write them to docs/benchmarks.md and bench/results."""
    with ExitStack() as stack:
        database_url = stack.enter_context(running_database())
        figures = _measure(database_url, quick, rounds)
        for figure in figures:
            click.echo("\n".join(lines(figure)))
        if not quick:
            click.echo(f"Written: {keep(figures, rounds, _version(database_url))}")


def _measure(database_url: str, quick: bool, rounds: int) -> list[Figure]:
    streams = QUICK_STREAMS if quick else STREAMS
    payments = QUICK_PAYMENTS if quick else PAYMENTS
    count = QUICK_WEBHOOKS if quick else WEBHOOKS
    delays, rates = latency.figures(), webhooks.figures()
    with ExitStack() as stack:
        contenders = [
            stack.enter_context(napvi(database_url, streams)),
            stack.enter_context(starlette_redis(database_url, streams)),
        ]
        senders = [stack.enter_context(senders_to(each.url)) for each in contenders]
        crowds = [stack.enter_context(crowd_at(each.url)) for each in contenders]
        postmaster = _postmaster(database_url)
        with click.progressbar(range(rounds), label="Webhooks", file=sys.stderr) as bar:
            for _ in bar:
                for contender, sender in zip(contenders, senders, strict=True):
                    webhooks.measure(rates, contender, sender, postmaster, count)
                webhooks.measure_ceiling(rates, contenders[0], senders[0], count)
        for contender, crowd in zip(contenders, crowds, strict=True):
            latency.watch(contender, crowd, streams)
        with click.progressbar(range(rounds), label="Latency", file=sys.stderr) as bar:
            for _ in bar:
                for contender, crowd, sender in zip(contenders, crowds, senders, strict=True):
                    latency.measure(delays, contender, crowd, sender, streams, payments)
                latency.measure_floor(delays, database_url, contenders[0].topups, payments)
    return [*delays, *rates]


def _postmaster(database_url: str) -> int:
    with psycopg.connect(database_url) as connection:
        row = connection.execute("SHOW data_directory").fetchone()
    assert row is not None
    return int(Path(row[0], "postmaster.pid").read_text().splitlines()[0])


def _version(database_url: str) -> str:
    with psycopg.connect(database_url) as connection:
        return str(connection.info.server_version // 10_000)


if __name__ == "__main__":
    main()

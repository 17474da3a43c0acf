"""A storm of faulty payments over two workers, as `simulator --storm` makes it."""

import re
from collections.abc import Mapping

from app.payos.simulator.faults import Fault
from tests.faults.serving import MARKS, Serve
from tests.payments import query
from tests.ports import held_port
from tests.services import Process, environment_on

pytestmark = MARKS

PAYMENTS = 60
UNRECOVERED = {Fault.DROP, Fault.OTHER_REFERENCE}
"""Those that only asking PayOS repairs."""

MIX = {fault: 0.1 for fault in Fault if fault not in UNRECOVERED} | {Fault.RETRY: 1.0}
RECEIVED = "SELECT received::bigint, in_suspense::bigint FROM audit.money_equation"
SECONDS_MAX = 40.0


def storm(
    database_url: str, serve: Serve, rates: Mapping[Fault, float], *options: str
) -> tuple[int, str]:
    """The exit code and what was said, of a storm over two workers."""
    with held_port() as port:
        payos = f"127.0.0.1:{port}"
        service = serve(
            database_url,
            "--workers",
            "2",
            PAYOS_BASE_URL=f"http://{payos}",
            NAPVI_PAYOS_TIMEOUT_SECONDS="3",
        )
        faults = [f"--fault={fault}={rate}" for fault, rate in rates.items()]
        process = Process(
            environment_on(database_url),
            "simulator",
            f"--bind={payos}",
            f"--storm={PAYMENTS}",
            f"--napvi={service.url}",
            *faults,
            *options,
        )
        try:
            code = process.wait(SECONDS_MAX)
        finally:
            process.close()
    print(process.output)
    assert "Traceback" not in process.output
    return code, process.output


async def test_every_payment_of_a_storm_is_settled_and_the_books_agree_with_the_bank(
    database_url: str, serve: Serve
) -> None:
    code, said = storm(database_url, serve, MIX, "--seed=7")
    assert code == 0
    met = dict(re.findall(r"([a-z-]+) (\d+)", " ".join(re.findall("faults at .*", said))))
    assert {fault for fault in Fault if met[fault] == "0"} == UNRECOVERED
    assert f"payments            {PAYMENTS}, 0 not settled" in said
    ((paid, waiting),) = await query(database_url, RECEIVED)
    assert waiting > 0
    assert f"paid at the bank    {paid:,} đ" in said
    assert re.search(r"wrong signatures    (\d+), \1 of them refused with 401", said)


async def test_a_storm_says_what_does_not_add_up(database_url: str, serve: Serve) -> None:
    """Every webhook is lost, and nobody waits until PayOS was asked."""
    code, said = storm(database_url, serve, {Fault.DROP: 1.0}, "--patience=0")
    assert code == 1
    assert re.search(r"DIFFERENCE          T\w{8}: [\d,]+ đ at the bank, not all seen", said)

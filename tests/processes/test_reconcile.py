"""Money that no webhook tells of: found by the command, and by processes that ask in turn."""

import asyncio
import socket
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.sql import SQL, Identifier

from app.database.openings import Openings
from app.settings import Settings
from tests.payments import CLAIM_SECONDS, connected, drift, open_process, query
from tests.payos.calling import STATE, answering, envelope, http
from tests.processes.commands import command
from tests.processes.payer import Payer, http_client, log_in
from tests.services import CHECKSUM_KEY, PayOS, Service, StartService

pytestmark = pytest.mark.processes

CLAIMED = "SELECT count(*) FROM topup.payos_checks WHERE claimed_until IS NOT NULL"


@pytest.fixture
def environment(environment: dict[str, str]) -> dict[str, str]:
    """Nobody asks PayOS in the background, unless a test says so."""
    return environment | {"NAPVI_RECONCILE": "false", "NAPVI_RECONCILE_SCHEDULE_SECONDS": "0.1"}


@pytest.fixture
async def payer(start_service: StartService) -> AsyncIterator[Payer]:
    async with log_in(start_service().url) as payer:
        yield payer


async def pay_untold(simulator: PayOS, topup: dict[str, Any]) -> None:
    """The bank has the money, and the webhook is lost."""
    pay = f"{simulator.url}/simulator/links/{topup['order_code']}/pay"
    async with http_client() as bank:
        (await bank.post(pay, json={"fault": "drop"})).raise_for_status()


async def let_in(database_url: str, anybody: bool) -> None:
    """Opens the database, or shuts it and throws everybody out."""
    name = conninfo_to_dict(database_url)["dbname"]
    server = make_conninfo(database_url, dbname="postgres")
    async with connected(server) as connection:
        await connection.execute(
            SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}").format(Identifier(str(name)), anybody)
        )
        if not anybody:
            await connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,)
            )


async def test_the_command_credits_what_was_lost_once(
    environment: dict[str, str], simulator: PayOS, payer: Payer, database_url: str
) -> None:
    environment["PAYOS_BASE_URL"] = simulator.url
    paid, waiting = await payer.topup(50_000), await payer.topup(20_000)
    await pay_untold(simulator, paid)
    code, said = await command(environment, "reconcile")
    assert code == 0, said
    assert "asked             2\ncredited          1 transfers of 50.000" in said, said
    assert await payer.balance() == 50_000
    code, said = await command(environment, "reconcile", "--tx-ref", paid["tx_ref"])
    assert (code, "credited          0 transfers" in said) == (0, True), said
    assert await payer.balance() == 50_000
    state = await payer.client.get("/api/topup/status", params={"tx_ref": waiting["tx_ref"]})
    assert state.json()["status"] == "pending"
    assert await drift(database_url) == []


async def test_the_command_says_about_whom_payos_did_not_answer_and_why(
    environment: dict[str, str], payer: Payer
) -> None:
    topup = await payer.topup()
    environment["PAYOS_BASE_URL"] = "http://127.0.0.1:9"  # the discard port: nobody is there
    code, said = await command(environment, "reconcile")
    assert (code, f"{topup['tx_ref']}: PayOS did not answer in time" in said) == (1, True), said
    assert "failed calls      1" in said


@pytest.mark.parametrize("arguments", [["reconcile"], ["recover", "--gap", "50"]])
async def test_what_is_wrong_with_the_settings_is_told_once(
    environment: dict[str, str], simulator: Service, database_url: str, arguments: list[str]
) -> None:
    async with open_process(database_url) as doors:
        topup = await doors.topup()
    environment |= {"PAYOS_BASE_URL": simulator.url, "PAYOS_API_KEY": "another"}
    code, said = await command(environment, *arguments)
    assert (code, said.count("(code 214)"), topup.tx_ref in said) == (2, 1, False), said
    assert "PAYOS_API_KEY" in said
    assert "Go on with" not in said


async def test_what_payos_takes_no_call_for_is_asked_about_after_the_pause(
    environment: dict[str, str], database_url: str
) -> None:
    environment["NAPVI_RECONCILE_AT_ONCE"] = "1"
    async with open_process(database_url) as doors:
        topups = [await doors.topup(50_000) for _ in range(3)]
    asked = list[int]()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        asked.append(int(head.split()[1].rpartition(b"/")[2]))
        ours = STATE | {"orderCode": asked[-1], "createdAt": datetime.now(UTC).isoformat()}
        limited = http(b"", 429, "Retry-After: 1\r\n")
        writer.write(limited if len(asked) == 2 else envelope(ours, CHECKSUM_KEY))
        writer.close()

    payos = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with payos:
        environment["PAYOS_BASE_URL"] = f"http://127.0.0.1:{payos.sockets[0].getsockname()[1]}"
        code, said = await command(environment, "reconcile")
    first, second, third = (topup.order_code for topup in topups)
    assert (code, asked) == (0, [first, second, second, third]), said
    assert "PayOS takes no calls for now. Going on in 1 s.\n" in said
    assert "asked             3\n" in said


@pytest.mark.parametrize("comes_back", [True, False])
async def test_what_was_credited_is_told_though_the_next_call_fails(
    environment: dict[str, str], database_url: str, comes_back: bool
) -> None:
    """A transfer, then the closing of an order whose time is over."""
    environment |= {"NAPVI_PAYOS_RETRIES": "0"}
    async with open_process(database_url) as doors:
        expired = Settings.load().model_copy(update={"topup_expiry_seconds": -60})
        openings = Openings(doors.database, expired, CLAIM_SECONDS)
        topup = (await openings.open(await doors.user(), 50_000, None)).topup
    opened_at = topup.opened_at.isoformat()
    ours = STATE | {"orderCode": topup.order_code, "createdAt": opened_at, "amountPaid": 40_000}
    paid = {"reference": "FT-1", "amount": 40_000, "transactionDateTime": opened_at}
    told = envelope(ours | {"transactions": [paid]}, CHECKSUM_KEY)
    limited = http(b"", 429, "Retry-After: 1\r\n")
    async with answering(told, *([limited, told, told] if comes_back else [None])) as url:
        environment["PAYOS_BASE_URL"] = url
        code, said = await command(environment, "reconcile")
    assert code == (0 if comes_back else 1), said
    assert "credited          1 transfers of 40.000" in said, said


async def test_a_database_that_goes_away_meanwhile_is_told_in_a_sentence(
    environment: dict[str, str], database_url: str
) -> None:
    environment["NAPVI_CONNECT_TIMEOUT_SECONDS"] = "2"
    async with open_process(database_url) as doors:
        for _ in range(2):
            await doors.topup(50_000)

    one_at_a_time = asyncio.Lock()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        async with one_at_a_time:
            await let_in(database_url, False)
        order_code = int(head.split()[1].rpartition(b"/")[2])
        ours = STATE | {"orderCode": order_code, "createdAt": datetime.now(UTC).isoformat()}
        writer.write(envelope(ours, CHECKSUM_KEY))
        writer.close()

    payos = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with payos:
        port = payos.sockets[0].getsockname()[1]
        environment["PAYOS_BASE_URL"] = f"http://127.0.0.1:{port}"
        try:
            code, said = await command(environment, "reconcile")
        finally:
            await let_in(database_url, True)
    assert code == 2, said
    assert said.splitlines()[-1] == "napvi: The database is away; try again", said


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--tx-ref", "T0000000Z"), "there is no top-up T0000000Z."),
        (("--tx-ref", "T1"), "T followed by eight characters"),
        (("--since", "yesterday"), "is no time such as"),
    ],
)
async def test_what_cannot_be_asked_about_is_told_in_a_sentence(
    environment: dict[str, str], arguments: tuple[str, ...], told: str
) -> None:
    code, said = await command(environment, "reconcile", *arguments)
    assert (code, told in said) == (2, True), said


async def test_what_a_killed_process_was_asking_about_is_asked_by_another(
    environment: dict[str, str],
    simulator: PayOS,
    start_service: StartService,
    payer: Payer,
    database_url: str,
) -> None:
    topup = await payer.topup()
    await pay_untold(simulator, topup)
    environment |= {"NAPVI_RECONCILE": "true", "NAPVI_RECONCILE_LEASE_SECONDS": "2"}
    with socket.create_server(("127.0.0.1", 0)) as silent:
        payos_url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        asking = Service(environment | {"PAYOS_BASE_URL": payos_url}, "serve")
        try:
            async with asyncio.timeout(20):
                while await query(database_url, CLAIMED) != [(1,)]:  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
        finally:
            asking.close()  # a kill -9
    start_service()
    async with asyncio.timeout(20):
        said = [message.json["status"] async for message in payer.messages(topup["tx_ref"])]
    assert said[-1] == "confirmed"
    assert await payer.balance() == 50_000

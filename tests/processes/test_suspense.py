"""`suspense list` and `suspense assign` as a person uses them, beside a napvi that runs."""

import asyncio
import getpass
import json
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from app.database.embedded.places import default_run_dir
from app.texts import dong
from tests.payments import UNKNOWN_ORDER, open_process, query, transfer
from tests.payments import Process as Doors
from tests.processes.commands import command
from tests.processes.payer import log_in
from tests.services import StartService

pytestmark = pytest.mark.processes

REASON = "--reason=the payer called"


@pytest.fixture
async def doors(database_url: str) -> AsyncIterator[Doors]:
    async with open_process(database_url) as doors:
        yield doors


async def test_nothing_waits_in_an_empty_book(environment: dict[str, str]) -> None:
    code, said = await command(environment, "suspense", "list")
    assert code == 0
    assert said == f"In suspense: 0 ({dong(0)})\nConflicts, not credited: 0 ({dong(0)})\n"


async def test_what_waits_is_listed_for_a_person_and_for_a_program(
    environment: dict[str, str], doors: Doors
) -> None:
    topup = await doors.topup(50_000)
    named = [topup.tx_ref, "T00000000"]
    stray = transfer(UNKNOWN_ORDER, 49_000, "FT\x1b[2J", description_tx_refs=named)
    paid, other = transfer(topup.order_code, 1_000), transfer(topup.order_code, 7_000, "FT-again")
    told_otherwise = transfer(topup.order_code, 8_000, "FT-again")
    await doors.store.append_events([stray, paid, other, told_otherwise])

    code, said = await command(environment, "suspense", "list")
    assert code == 0
    rows = [line.split() for line in said.splitlines()]
    assert rows[0] == ["In", "suspense:", "1", "(49.000", "₫)"]
    assert rows[2][:3] == [str(stray.event_id), "49.000", "₫"]
    assert rows[2][5:] == ["order_code.unknown", str(UNKNOWN_ORDER), "FT?[2J", topup.tx_ref]
    assert rows[3] == ["Conflicts,", "not", "credited:", "1", "(8.000", "₫)"]
    assert rows[5][1:3] == ["8.000", "₫"]
    assert rows[5][5:] == [
        "amount.differs",
        topup.tx_ref,
        "FT-again",
        "7.000",
        "₫",
        "in",
        topup.tx_ref,
    ]

    _, said = await command(environment, "suspense", "list", "--json")
    found: dict[str, list[dict[str, Any]]] = json.loads(said)
    [in_suspense], [conflict] = found["suspense"], found["conflicts"]
    assert in_suspense["event_id"] == str(stray.event_id)
    assert in_suspense["candidates"] == [topup.tx_ref]
    assert in_suspense["age"] >= 0
    assert (conflict["amount"], conflict["recorded_amount"]) == (8_000, 7_000)
    assert conflict["recorded_event_id"] == str(other.event_id)


async def test_what_is_left_out_of_a_long_list_is_counted(
    environment: dict[str, str], doors: Doors
) -> None:
    topup = await doors.topup()
    strays = [transfer(UNKNOWN_ORDER, amount) for amount in (1_000, 2_000, 4_000)]
    known = transfer(topup.order_code, 500, "FT-known")
    told_otherwise = [transfer(topup.order_code, amount, "FT-known") for amount in (10_000, 20_000)]
    await doors.store.append_events([*strays, known, *told_otherwise])

    code, said = await command(environment, "suspense", "list", "--limit", "1")
    lines = said.splitlines()
    assert (code, lines[0], lines[4]) == (
        0,
        f"In suspense: 3 ({dong(7_000)})",
        f"Conflicts, not credited: 2 ({dong(30_000)})",
    )
    assert str(strays[0].event_id) in lines[2], "the oldest"
    assert (lines[3], lines[7]) == ("  and 2 more: --limit", "  and 1 more: --limit")
    _, said = await command(environment, "suspense", "list", "--json", "--limit", "2")
    found = json.loads(said)
    assert (len(found["suspense"]), len(found["conflicts"])) == (2, 2)
    assert found["left_out"] == {"suspense": 1, "conflicts": 0}
    code, said = await command(environment, "suspense", "list", "--limit", "0")
    assert (code, "--limit" in said) == (2, True)


async def test_the_payer_sees_the_credit_live(
    environment: dict[str, str], doors: Doors, start_service: StartService, database_url: str
) -> None:
    stray = transfer(UNKNOWN_ORDER, 50_000)
    await doors.store.append_events([stray])
    seen = []
    async with asyncio.timeout(30), log_in(start_service().url) as payer:
        topup = await payer.topup()
        async for message in payer.messages(topup["tx_ref"]):
            seen.append((message.json["status"], message.json["wallet_balance"]))
            if len(seen) == 1:
                arguments = ("assign", str(stray.event_id), topup["tx_ref"].lower(), REASON)
                code, said = await command(environment, "suspense", *arguments)
                assert (code, "is credited to" in said) == (0, True), said
    assert seen == [("pending", 0), ("confirmed", 50_000)]
    [(name,)] = await query(database_url, "SELECT assigned_by FROM audit.suspense_history")
    assert name == getpass.getuser()


async def test_assigned_again_nothing_changes_and_elsewhere_it_is_refused(
    environment: dict[str, str], doors: Doors, database_url: str
) -> None:
    topup, other, stray = await doors.topup(), await doors.topup(), transfer(UNKNOWN_ORDER, 5_000)
    await doors.store.append_events([stray])
    event_id = str(stray.event_id)
    for done in ("is credited to", "had been credited before to"):
        code, said = await command(
            environment, "suspense", "assign", event_id, topup.tx_ref, REASON, "--by", "Lan"
        )
        assert (code, done in said) == (0, True), said
    code, said = await command(environment, "suspense", "assign", event_id, other.tx_ref, REASON)
    assert (code, said) == (
        2,
        f"napvi: {event_id} was assigned to {topup.tx_ref} before. An assignment is never taken "
        "back.\n",
    )
    assert await query(
        database_url, "SELECT tx_ref, amount, assigned_by FROM audit.suspense_history"
    ) == [(topup.tx_ref, 5_000, "Lan")]


@pytest.mark.parametrize(
    ("event_id", "tx_ref", "options", "told"),
    [
        ("unknown", "known", [REASON], "No money waits under"),
        ("waiting", "T0000000Z", [REASON], "There is no top-up T0000000Z."),
        ("waiting", "known", [], "Missing option '--reason'"),
        ("waiting", "known", ["--reason= "], "Say with --reason why"),
        ("waiting", "known", ["--reason=a\nb"], "only printable characters"),
        ("waiting", "known", ["--reason=\udcff"], "only printable characters"),
        ("waiting", "known", [REASON, "--by= "], "Say with --by who"),
        ("waiting", "T123", [REASON], "T followed by eight characters"),
        ("123", "known", [REASON], "is not a valid UUID"),
    ],
)
async def test_what_cannot_be_assigned_is_told_in_a_sentence(
    event_id: str,
    tx_ref: str,
    options: list[str],
    told: str,
    environment: dict[str, str],
    doors: Doors,
) -> None:
    stray = transfer(UNKNOWN_ORDER, 50_000)
    await doors.store.append_events([stray])
    names = {"unknown": str(uuid4()), "waiting": str(stray.event_id)}
    names["known"] = (await doors.topup()).tx_ref
    arguments = (names.get(event_id, event_id), names.get(tx_ref, tx_ref), *options)
    code, said = await command(environment, "suspense", "assign", *arguments)
    assert (code, told in said) == (2, True), said


async def test_the_embedded_database_serves_it_as_well(
    environment: dict[str, str], short_dir: Path
) -> None:
    data_dir = short_dir / "napvi"
    del environment["DATABASE_URL"]
    environment["NAPVI_DATA_DIR"] = str(data_dir)
    try:
        code, said = await command(environment, "suspense", "list")
        assert (code, "Run `python -m app migrate`." in said) == (2, True), said
        code, said = await command(environment, "migrate")
        assert code == 0, said
        code, said = await command(environment, "suspense", "list")
        assert (code, said.startswith("In suspense: 0")) == (0, True), said
    finally:
        shutil.rmtree(default_run_dir(data_dir), ignore_errors=True)

"""An older dump is restored: what PayOS knows comes back, once, and what nobody knows is found."""

import re
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from tests.backup.recipes import Operator
from tests.payments import drift, query
from tests.postgres import Postgres
from tests.processes.payer import Payer, log_in
from tests.services import PASSWORD, Service, StartService, register_webhook

pytestmark = pytest.mark.processes

MONEY = "SELECT received::bigint, in_wallets::bigint, in_suspense::bigint FROM audit.money_equation"


@pytest.fixture
def operator(environment: dict[str, str], simulator: Service, tmp_path: Path) -> Operator:
    environment["PAYOS_BASE_URL"] = simulator.url
    return Operator(environment, tmp_path)


async def pay(simulator: Service, topup: dict[str, Any], amount: int | None = None) -> None:
    """Returns when the webhook has been answered."""
    url = f"{simulator.url}/simulator/links/{topup['order_code']}/pay"
    async with httpx.AsyncClient(trust_env=False) as bank:
        order = {} if amount is None else {"amount": amount}
        (await bank.post(url, json=order)).raise_for_status()


async def lose_and_restore(operator: Operator, postgres: Postgres) -> None:
    """The database is gone; a new one is made from the dump."""
    async with await psycopg.AsyncConnection.connect(postgres.url(), autocommit=True) as server:
        await server.execute("DROP DATABASE test WITH (FORCE)")
        await server.execute("CREATE DATABASE test")
    line = "--single-transaction --set=ON_ERROR_STOP=1"
    await operator.copy(f"psql {line}")
    await operator.copy("pg_restore", **{"--dbname=postgres": "--dbname=test"})
    await operator.run("migrate")


async def log_in_again(payer: Payer, username: str) -> None:
    account = {"username": username, "password": PASSWORD}
    (await payer.client.post("/api/auth/login", json=account)).raise_for_status()


async def statuses(payer: Payer, *topups: dict[str, Any]) -> list[str]:
    asked = [{"tx_ref": topup["tx_ref"]} for topup in topups]
    answers = [await payer.client.get("/api/topup/status", params=each) for each in asked]
    return [answer.json()["status"] for answer in answers]


async def test_the_balances_are_those_of_before_the_loss_and_nothing_is_doubled(
    operator: Operator,
    simulator: Service,
    start_service: StartService,
    postgres: Postgres,
    database_url: str,
) -> None:
    service = start_service()
    register_webhook(simulator, service)
    async with log_in(service.url) as payer:
        username = (await payer.client.get("/api/auth/me")).json()["username"]
        paid, waiting, part = [await payer.topup(amount) for amount in (50_000, 20_000, 30_000)]
        await pay(simulator, paid)
        await pay(simulator, part, 10_000)
        await operator.copy("pg_dump")

        await pay(simulator, waiting)
        await pay(simulator, part, 20_000)
        lost, lost_open = await payer.topup(70_000), await payer.topup(40_000)
        await pay(simulator, lost)
        assert await payer.balance() == 170_000
        books = await query(database_url, MONEY)
        service.stop()

        await lose_and_restore(operator, postgres)
        assert await query(database_url, MONEY) == [(60_000, 60_000, 0)]
        for outcome in ("suspense", "duplicate"):
            said = await operator.run("recover", "--gap", "10")
            assert f"lost orders       2, the latest {lost_open['order_code']}\n" in said
            # What the bank put before it may look like one, too.
            assert re.search(rf"{outcome}  (T\w{{8}} )?{lost['tx_ref']}\n", said), said
            assert ("closed            1" in said) == (outcome == "suspense")
        for found in ("2 transfers of 40.000", "0 transfers of 0"):
            said = await operator.run("reconcile", "--since", "72h")
            assert f"credited          {found}" in said

        register_webhook(simulator, start_service(bind=service.address))
        await log_in_again(payer, username)
        assert await payer.balance() == 100_000
        assert await statuses(payer, paid, waiting, part) == ["confirmed"] * 3
        assert await query(database_url, MONEY) == [(170_000, 100_000, 70_000)]

        fresh = await payer.topup(2_000)
        assert fresh["order_code"] > lost_open["order_code"] + 100_000, "no code is given twice"
        ((event_id,),) = await query(database_url, "SELECT event_id::text FROM audit.suspense")
        reason = ("--reason", f"of {lost['tx_ref']}, by the receipt", "--by", "Lan")
        await operator.run("suspense", "assign", event_id, fresh["tx_ref"], *reason)
        assert await payer.balance() == 170_000
        assert await query(database_url, MONEY) == books
        assert await drift(database_url) == []

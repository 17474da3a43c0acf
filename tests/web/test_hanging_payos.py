"""PayOS takes every call and says nothing, and two hundred payers want a link at once."""

import asyncio
import re
import time
from collections import Counter
from contextlib import AsyncExitStack
from pathlib import Path
from statistics import median
from typing import Any

import httpx
import pytest

from app.http.request_rules import WEBHOOK_PATH
from tests.web.line import PATIENCE_SECONDS
from tests.web.service import JSON, Napvi, Payer
from tests.web.webhooks import signed, transfer_data

PAYERS = 200
CALL_SECONDS, WAIT_SECONDS, PAUSE_SECONDS = 1.0, 0.5, 0.3
INIT_SECONDS_MAX = WAIT_SECONDS + 2 * CALL_SECONDS
"""For a place, for the link, and for asking whether it was made."""

SPARE_SECONDS = 3.0  # for a machine that does other things as well
OTHER_REQUEST_SECONDS_MAX = CALL_SECONDS
"""Of half of them: some stand behind two hundred requests that arrive together."""

GROWTH_MIB_MAX = 8


@pytest.fixture
def service_settings() -> dict[str, Any]:
    return {
        "payos_timeout_seconds": CALL_SECONDS,
        "payos_wait_seconds_max": WAIT_SECONDS,
        "payos_breaker_pause_seconds": PAUSE_SECONDS,
    }


def resident_mib() -> float:
    status = Path("/proc/self/status").read_text("utf-8")
    return int(re.findall(r"^VmRSS:\s+(\d+) kB", status, re.MULTILINE)[0]) / 1024


async def crowd_asks(payers: list[Payer]) -> list[httpx.Response]:
    """Everybody wants a link at once, and gets an answer in the time that the settings allow."""
    started = time.monotonic()
    answers = await asyncio.gather(*(payer.init() for payer in payers))
    assert time.monotonic() - started < INIT_SECONDS_MAX + SPARE_SECONDS
    return answers


async def other_requests(napvi: Napvi, topup: dict[str, Any], payer: Payer) -> list[float]:
    """The seconds that webhooks and questions after a status take, until cancelled."""
    seconds = []
    async with napvi.visitor() as payos:
        try:
            while True:
                started = time.monotonic()
                body = signed(transfer_data(topup["order_code"], 1_000))
                told = await payos.post(WEBHOOK_PATH, content=body, headers=JSON)
                assert told.status_code == 200, told.text
                await payer.status(topup["tx_ref"])
                seconds.append(time.monotonic() - started)
        except asyncio.CancelledError:
            return seconds


@pytest.mark.alone
async def test_a_hanging_payos_costs_bounded_time_and_nothing_else(
    napvi: Napvi, payer: Payer, topup: dict[str, Any]
) -> None:
    async with AsyncExitStack() as leaving:
        payers = [await leaving.enter_async_context(napvi.payer()) for _ in range(PAYERS)]
        napvi.payos.hold(everything=True)
        others = asyncio.create_task(other_requests(napvi, topup, payer))

        answers = await crowd_asks(payers)
        statuses = Counter(answer.status_code for answer in answers)
        assert statuses.keys() == {503, 504}
        assert statuses[504] < 2 * napvi.app.settings.payos_calls_at_once
        refused = [answer for answer in answers if answer.status_code == 503]
        assert {answer.json()["code"] for answer in refused} == {"payos_unavailable"}
        assert all(int(answer.headers["Retry-After"]) >= 1 for answer in refused)

        mib = []  # after the second crowd it has what it needs
        for _ in range(4):
            assert {answer.status_code for answer in await crowd_asks(payers)} <= {503, 504}
            mib.append(resident_mib())
        assert mib[-1] - mib[1] < GROWTH_MIB_MAX

        others.cancel()
        seconds = await others
        assert len(seconds) > 5
        assert median(seconds) < OTHER_REQUEST_SECONDS_MAX

        napvi.payos.release()
        async with asyncio.timeout(PATIENCE_SECONDS):
            while (await payer.init()).status_code != 201:  # noqa: ASYNC110 the clock is real
                await asyncio.sleep(PAUSE_SECONDS)
        assert all(answer.is_success for answer in await crowd_asks(payers[:10]))

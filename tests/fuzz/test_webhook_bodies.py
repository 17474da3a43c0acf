"""Whatever is posted to the webhook: an answer, books that are right, memory that does not grow.

The fixtures see to two things more when a test ends: no traceback was logged (tests.services) and
the laws hold (tests.conftest: no drift, every đồng accounted for).
"""

import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given, settings

from app.http.request_rules import WEBHOOK_PATH
from tests.fuzz.visitors import PATIENCE_SECONDS, Payer
from tests.fuzz.webhook_bodies import bodies
from tests.services import Service
from tests.web.service import JSON
from tests.web.webhooks import signed, transfer_data

pytestmark = [pytest.mark.processes, pytest.mark.timeout(3600)]

BODIES_PER_EXAMPLE = 60  # of the `effort` for the API: a webhook is quicker than a login
WARM_UP, MEASURED = 200, 600  # rounds of three bodies
GROWTH_BYTES_MAX = 1_400 * 1024
"""It is some 600 kB, and would be 1.8 MB more if one kilobyte of each request were kept."""


@pytest.fixture
def payos(service: Service) -> Iterator[httpx.Client]:
    with httpx.Client(
        base_url=service.url, trust_env=False, headers=JSON, timeout=PATIENCE_SECONDS
    ) as client:
        yield client


@pytest.fixture
def order_codes(service: Service) -> list[int]:
    """Of top-ups that wait for money."""
    payer = Payer(service.url)
    payer.register()
    return [int(str(payer.topup()["order_code"])) for _ in range(3)]


def test_every_body_has_an_answer(
    payos: httpx.Client, order_codes: list[int], effort: settings
) -> None:
    statuses: Counter[int] = Counter()

    @settings(effort, max_examples=effort.max_examples * BODIES_PER_EXAMPLE)
    @given(bodies(order_codes))
    def post(body: bytes) -> None:
        answer = payos.post(WEBHOOK_PATH, content=body)
        statuses[answer.status_code] += 1
        check(answer)

    post()
    assert set(statuses) == {200, 400, 401}, "each of them has to be reached"


def check(answer: httpx.Response) -> None:
    document: dict[str, Any] = answer.json()
    if answer.status_code == 200:
        assert document == {"success": True}
    else:
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert (answer.status_code, document["code"]) in {
            (400, "invalid_request"),
            (401, "invalid_signature"),
        }


def test_bodies_leave_nothing_behind_in_memory(
    service: Service, payos: httpx.Client, order_codes: list[int]
) -> None:
    """Good ones of 1 KB, and refused ones of 2 to 40 KB: they would show if any were kept."""
    post(payos, order_codes, WARM_UP)
    before = resident_bytes(service.pid)
    post(payos, order_codes, MEASURED)
    growth = resident_bytes(service.pid) - before
    assert growth <= GROWTH_BYTES_MAX, f"{growth} bytes more after {3 * MEASURED} webhooks"


def post(payos: httpx.Client, order_codes: list[int], count: int) -> None:
    for number in range(count):
        good = signed(transfer_data(order_codes[number % len(order_codes)], amount=1))
        padding = b" " * random.randrange(2_000, 40_000)
        for body in (good, good[:-9] + padding, padding + good.replace(b"naptien", b"NAPTIEN")):
            check(payos.post(WEBHOOK_PATH, content=body))


def resident_bytes(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) * 1024

"""What happens between us and PayOS while a checksum key is rotated out."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from app.errors import ConfigurationError, PayOSRefused
from app.metrics.labels import KeyPosition
from app.metrics.metrics import Metrics
from app.payos.refusal import RefusedWithCode
from app.payos.simulator import create_simulator
from app.settings import Settings
from tests.payos.calling import CREATED, STATE, answering, create, envelope, gateway_to
from tests.payos.wire import API_KEY, CLIENT_ID

NEW, OLD = "the new key", "the old key"
BOTH = f"{NEW},{OLD}"


def answers_by_key(metrics: Metrics) -> list[float | None]:
    """How many answers each key has signed, the first key first."""
    return [
        metrics.registry.get_sample_value(
            "napvi_payos_signatures_total", {"thing": "answer", "key": position}
        )
        for position in KeyPosition
    ]


async def test_an_answer_may_be_signed_with_any_of_our_keys_and_is_counted_by_it() -> None:
    metrics = Metrics()
    answers = envelope(STATE, NEW), envelope(STATE, OLD), envelope(CREATED, OLD)
    async with (
        answering(*answers) as url,
        gateway_to(url, metrics, payos_checksum_key=BOTH) as gateway,
    ):
        assert await gateway.find_link(5001) is not None
        assert answers_by_key(metrics) == [1, 0, 0, 0]
        assert await gateway.find_link(5001) is not None
        assert await create(gateway)
    assert answers_by_key(metrics) == [1, 2, 0, 0]


async def test_an_answer_with_an_object_inside_may_be_signed_with_any_of_our_keys() -> None:
    metrics = Metrics()
    state: dict[str, Any] = {**STATE, "transactions": {}}
    async with (
        answering(envelope(state, OLD)) as url,
        gateway_to(url, metrics, payos_checksum_key=BOTH) as gateway,
    ):
        assert await gateway.find_link(5001) is not None
    assert answers_by_key(metrics) == [0, 1, 0, 0]


async def test_an_answer_signed_with_a_key_that_was_removed_is_not_believed() -> None:
    metrics = Metrics()
    async with (
        answering(envelope(STATE, OLD)) as url,
        gateway_to(url, metrics, payos_checksum_key=NEW) as gateway,
    ):
        with pytest.raises(PayOSRefused):
            await gateway.find_link(5001)
    assert answers_by_key(metrics) == [0, 0, 0, 0]


async def test_what_we_send_is_signed_with_the_first_key_alone(
    serve: Callable[[Any], Awaitable[str]],
) -> None:
    url = await serve(create_simulator(CLIENT_ID, API_KEY, NEW))
    async with gateway_to(url, payos_checksum_key=BOTH) as gateway:
        assert await create(gateway)
    async with gateway_to(url, payos_checksum_key=f"{OLD},{NEW}") as gateway:
        with pytest.raises(RefusedWithCode) as refusal:
            await create(gateway, order_code=5002)
    assert refusal.value.payos_code == "201"


def test_more_keys_than_have_a_name_are_refused_without_saying_them() -> None:
    keys = [f"secret-{number}" for number in range(len(KeyPosition) + 1)]
    assert len(Settings.load(payos_checksum_key=",".join(keys[:-1])).payos_checksum_key) == 4
    with pytest.raises(ConfigurationError, match="PAYOS_CHECKSUM_KEY") as refusal:
        Settings.load(payos_checksum_key=",".join(keys))
    assert "secret-" not in str(refusal.value)

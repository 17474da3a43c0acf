"""LISTEN through pgbouncer in transaction mode is accepted, and delivers nothing."""

import pytest

from app.errors import ConfigurationError
from tests.stream.conftest import StartListener


async def test_a_listener_behind_a_transaction_pooler_refuses_to_start(
    pooler_url: str, start_listener: StartListener
) -> None:
    with pytest.raises(ConfigurationError, match="transaction pooler such as pgbouncer") as refused:
        await start_listener(conninfo=pooler_url, listener_echo_timeout_seconds=0.3)
    assert refused.value.setting == "LISTEN_DATABASE_URL"

"""A reader that takes nothing more: its connection is cut, and others go on."""

import pytest

from tests.processes.greedy import never_reading
from tests.processes.payer import log_in, until
from tests.services import StartService

pytestmark = [pytest.mark.processes, pytest.mark.alone]


async def test_a_stopped_reader_is_cut_off(
    start_service: StartService, environment: dict[str, str]
) -> None:
    environment["NAPVI_READER_TIMEOUT_SECONDS"] = "2"
    service = start_service()
    async with log_in(service.url) as payer, never_reading(service) as cut_off:
        await until(cut_off)
        assert (await payer.client.get("/healthz")).status_code == 200

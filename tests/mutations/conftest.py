from collections.abc import AsyncIterator

import pytest

from tests.payments import Process, open_process


@pytest.fixture
async def process(database_url: str) -> AsyncIterator[Process]:
    async with open_process(database_url) as process:
        yield process

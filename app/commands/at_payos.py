"""What a command asks PayOS with, and records with: the parts that `serve` has, for one caller."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from app.metrics.metrics import Metrics
from app.parts.payments import Payments
from app.parts.recording import Recording
from app.settings import Settings


@asynccontextmanager
async def at_payos(url: str, settings: Settings) -> AsyncIterator[tuple[Recording, Payments]]:
    """`url`: of a database that fits the code. Ends when what was begun is recorded."""
    few = {"database_url": url, "database_connections": 1, "append_connections": 1}
    settings, metrics = settings.model_copy(update=few), Metrics()
    recording = Recording(settings, metrics)
    payments = Payments(settings, recording, metrics)
    try:
        await recording.open()
        yield recording, payments
    finally:
        await payments.close()
        await recording.close()

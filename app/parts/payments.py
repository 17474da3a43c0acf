"""What talks to PayOS about top-ups: links, cancellations, reconciliation."""

from functools import partial

from app.database.openings import Openings
from app.database.reconciliation import Checks
from app.http.addresses import topup_page
from app.metrics.metrics import Metrics
from app.parts.recording import Recording
from app.payos.calls import PayOSCaller
from app.payos.cancelling import Canceller
from app.payos.gateway import Gateway
from app.payos.linking import Linker, link_seconds_max
from app.payos.reconcile import Reconciler
from app.payos.rounds import Rounds
from app.settings import Settings


class Payments:
    """The talk of one process with PayOS, and what comes of it."""

    def __init__(self, settings: Settings, recording: Recording, metrics: Metrics) -> None:
        database, append = recording.database, recording.appender.append
        self.gateway = Gateway(settings, metrics)
        self.openings = Openings(
            database, settings, link_seconds_max(self.gateway, settings.statement_timeout_seconds)
        )
        page_url = partial(topup_page, settings.public_url) if settings.public_url else None
        self.linker = Linker(self.gateway, append, self.openings, page_url)
        book, channel = Checks(database, settings), settings.payos().client_id
        resume = self.linker.resume
        for_payers = Reconciler(self.gateway, append, channel, resume, PayOSCaller.PAYER)
        self.canceller = Canceller(book.orders, for_payers.cancel)
        self.reconciler = Reconciler(self.gateway, append, channel, resume)
        self.rounds = Rounds(book, self.reconciler.check, settings, metrics)

    async def close(self) -> None:
        """Waits for calls that a payer began, until their answers are recorded."""
        await self.linker.finish()
        await self.canceller.finish()
        await self.gateway.close()

"""The SQL of open streams: a statement or two for each method, mostly one function."""

from collections.abc import Sequence

from app.admission import EndedStream, StreamId, StreamOpening, StreamRequest, StreamVerdict
from app.database.pool import Database
from app.model import UserId
from app.settings import Settings

OPEN_STREAMS = """
    SELECT stream_id, verdict, user_id FROM topup.open_streams(
        %s, %b::bigint[], %b::bytea[], %b::text[], %b::bigint[], %s, %s, %s, %s
    )
"""
CLOSE_STREAMS = "SELECT topup.close_streams(%s, %b::bigint[])"
ENDED_STREAMS = """
    SELECT stream_id, ended FROM topup.stream_leases WHERE worker_id = %s AND ended IS NOT NULL
"""
EXPIRE_STREAMS = "SELECT topup.expire_streams(%s, %s)"
COUNT_LEASES = "SELECT count(*) FROM topup.stream_leases WHERE worker_id = %s"
RECONCILE_STREAMS = (
    "SELECT topup.reconcile_streams(%s, %b::bigint[], %b::bigint[], %b::bytea[], %b::text[])"
)


class LeaseStore:
    """Source of truth: topup.stream_leases. Every method raises DatabaseUnavailable."""

    def __init__(self, database: Database, worker_id: int, settings: Settings) -> None:
        self._database = database
        self._worker_id = worker_id
        self._settings = settings

    async def open(self, requests: Sequence[StreamRequest]) -> list[StreamOpening]:
        """Who of them may stream, in no order; those who may are leased."""
        values = (
            self._worker_id,
            [request.stream_id for request in requests],
            [request.session_hash for request in requests],
            [request.tx_ref for request in requests],
            [request.after for request in requests],
            self._settings.session_idle_seconds,
            self._settings.stream_grace_seconds,
            self._settings.streams_per_user_max,
            self._settings.stream_spare_seconds,
        )
        return await self._database.rows(_opening, OPEN_STREAMS, values)

    async def close(self, stream_ids: Sequence[StreamId]) -> None:
        """Gives leases back."""
        await self._database.execute(CLOSE_STREAMS, (self._worker_id, list(stream_ids)))

    async def ended(self) -> list[EndedStream]:
        """The streams that somebody else decided to end; told again until they are closed."""
        return await self._database.rows(EndedStream, ENDED_STREAMS, (self._worker_id,))

    async def expire(self) -> int:
        """Decides to end the streams whose login is over; forgets what dead workers left.

        Says how many leases this worker has.
        """
        values = (self._worker_id, self._settings.session_idle_seconds)
        await self._database.execute(EXPIRE_STREAMS, values)
        leases: int = await self._database.value(COUNT_LEASES, (self._worker_id,))
        return leases

    async def reconcile(self, leased: Sequence[tuple[UserId, StreamRequest]]) -> None:
        """These are the streams of this worker, and no others."""
        values = (
            self._worker_id,
            [request.stream_id for _, request in leased],
            [user_id for user_id, _ in leased],
            [request.session_hash for _, request in leased],
            [request.tx_ref for _, request in leased],
        )
        await self._database.execute(RECONCILE_STREAMS, values)


def _opening(*, stream_id: StreamId, verdict: str, user_id: UserId | None) -> StreamOpening:
    return StreamOpening(stream_id, StreamVerdict(verdict), user_id)

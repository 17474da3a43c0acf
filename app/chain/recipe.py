"""The hash chain computed again from its rows, as docs/auditing-chain.md says it is made.

Nothing here asks a database what a hash has to be: its functions are its administrator's.
"""

import hashlib
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from app.chain.checkpoints import MICROSECOND, RECIPE, Checkpoint, Finding, length_prefixed

ZEROS = "00" * 32
SUSPENSE = "suspense"
OPEN_MAX = timedelta(minutes=15)
"""Longer than any honest transaction that writes events: those of napvi end after seconds."""


@dataclass(frozen=True, slots=True)
class SealedEvent:
    """A seal, and its event, whose columns are None when it is gone.

    Hashes are lower-case hex, times are microseconds since 1970, as text. `previous_hash`: that
    of the seal before it in its stream. Source: audit.sealed_events, audit.events.
    """

    number: int
    stream: str
    place: int
    id: int
    event_id: str | None
    tx_ref: str | None
    seq: int | None
    type: str | None
    data: str | None
    occurred_at: str | None
    recorded_at: str | None
    hash: str
    previous_hash: str | None

    def hash_due(self) -> str:
        """What `hash` has to be."""
        numbers = (str(self.number), str(self.place), str(self.id))
        seq = None if self.seq is None else str(self.seq)
        words = (self.event_id, self.tx_ref, seq, self.type, self.data)
        fields = (*numbers, *words, self.occurred_at, self.recorded_at)
        previous = bytes.fromhex(self.previous_hash or ZEROS)
        prefixed = b"".join(map(length_prefixed, fields))
        return hashlib.sha256(RECIPE + previous + prefixed).hexdigest()


class Recomputation:
    """Goes along the chain once, in the order of its numbers, past each of `checkpoints`.

    Remembers the streams that moved since the checkpoint before, so its memory is that of the
    events between two checkpoints, whatever the length of the log.
    """

    def __init__(self, checkpoints: Iterable[Checkpoint]) -> None:
        self.events = 0
        self._waiting = deque(sorted(checkpoints, key=lambda one: one.number))
        self._heads: dict[str, str] = {}
        self._streams = 0
        self._id = 0  # of the event before
        self._closed = Decimal("-Infinity")  # in microseconds: what was recorded before is too late
        self._number, self._root, self._hash = 0, ZEROS, ZEROS  # of the checkpoint before

    def seal(self, seal: SealedEvent) -> Iterator[Finding]:
        """What is wrong with the next seal, or with a checkpoint before it."""
        while self._waiting and self._waiting[0].events < seal.number:
            yield from self._pass(self._waiting.popleft())
        name = f"event {seal.id} of {seal.stream}, seal {seal.number}"
        if seal.number != self.events + 1:
            yield Finding("seals_missing", f"{self.events + 1} to {seal.number - 1}")
        if (seal.place == 1) != (seal.previous_hash is None):
            yield Finding("seals_missing", f"{name}: the one before it in its stream")
        if seal.event_id is None:
            yield Finding("event_missing", name)
        elif seal.hash != seal.hash_due():
            yield Finding("event_changed", name)
        elif seal.stream != (seal.tx_ref or SUSPENSE) or seal.place != (seal.seq or seal.place):
            yield Finding("event_misplaced", name)
        yield from self._came_too_late(seal, name)
        self.events, self._id = seal.number, seal.id
        self._streams += seal.place == 1
        self._heads[seal.stream] = seal.hash

    def _came_too_late(self, seal: SealedEvent, name: str) -> Iterator[Finding]:
        """Its id or its time is one of before, though it was sealed now."""
        if seal.id <= self._id:
            yield Finding("event_inserted", f"{name}, after event {self._id}")
        if seal.recorded_at is not None and Decimal(seal.recorded_at) < self._closed:
            yield Finding("event_backdated", f"{name}: a checkpoint had been taken")

    def end(self) -> Iterator[Finding]:
        """What is wrong with the checkpoints after the last seal."""
        while self._waiting:
            yield from self._pass(self._waiting.popleft())

    def _pass(self, checkpoint: Checkpoint) -> Iterator[Finding]:
        name = f"checkpoint {checkpoint.number}"
        heads = b"".join(
            bytes.fromhex(self._heads[stream])
            for stream in sorted(self._heads, key=lambda stream: stream.encode())
        )
        root = hashlib.sha256(bytes.fromhex(self._root) + heads).hexdigest()
        if checkpoint.number != self._number + 1:
            missing = f"{self._number + 1} to {checkpoint.number - 1}"
            yield Finding("checkpoints_missing", missing)
        if (checkpoint.hash, checkpoint.previous_hash) != (checkpoint.hash_due(), self._hash):
            yield Finding("checkpoint_changed", name)
        if (checkpoint.streams, checkpoint.events) != (self._streams, self.events):
            counted = f"{self._streams} streams, {self.events} events"
            yield Finding("count_differs", f"{name}: {counted}")
        if checkpoint.root != root:
            yield Finding("root_differs", name)
        closed = Decimal(checkpoint.moment() - OPEN_MAX // MICROSECOND)
        self._closed = max(self._closed, closed)  # a forged one between them opens nothing again
        self._number, self._root, self._hash = checkpoint.number, checkpoint.root, checkpoint.hash
        self._heads.clear()

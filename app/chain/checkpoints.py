"""Checkpoints of the hash chain as they are kept outside the database: one line of JSON each.

docs/auditing-chain.md is the recipe. What is computed here does not ask the database.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta

from pydantic import TypeAdapter, ValidationError

from app.errors import CheckpointUnreadable
from app.model import iso

RECIPE = b"\x01"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What the whole chain was at `taken_at`: it covers the seals 1 to `events`.

    Hashes are lower-case hex. Source: audit.checkpoints, or a file kept elsewhere.
    """

    number: int
    taken_at: datetime
    streams: int
    events: int
    root: str
    previous_hash: str
    hash: str

    def line(self) -> str:
        """As JSON, without the end of the line."""
        return json.dumps(asdict(self) | {"taken_at": iso(self.taken_at)})

    def moment(self) -> int:
        """`taken_at` in microseconds since 1970."""
        return (self.taken_at - EPOCH) // MICROSECOND

    def hash_due(self) -> str:
        """What `hash` has to be."""
        fields = (self.number, self.moment(), self.streams, self.events, self.root)
        prefixed = b"".join(length_prefixed(str(field)) for field in fields)
        return hashlib.sha256(RECIPE + bytes.fromhex(self.previous_hash) + prefixed).hexdigest()


@dataclass(frozen=True, slots=True)
class Finding:
    """A sign of a change behind the doors; of an honest log there is none."""

    what: str
    detail: str


def read_lines(lines: Iterable[str]) -> list[Checkpoint]:
    """The checkpoints of a file, at least one, in its order.

    Raises CheckpointUnreadable that names the line, or says that there is none.
    """
    reader = TypeAdapter(Checkpoint)
    found = []
    try:
        lines = [*lines]
    except UnicodeDecodeError:
        raise CheckpointUnreadable("the file is not in UTF-8.") from None
    for place, line in enumerate(lines, 1):
        if line.strip():
            try:
                checkpoint = reader.validate_json(line)
                checkpoint.hash_due()
            except (ValidationError, ValueError, TypeError, OverflowError):
                raise CheckpointUnreadable(f"line {place} is no checkpoint.") from None
            found.append(checkpoint)
    if not found:
        raise CheckpointUnreadable("the file holds no checkpoint: it proves nothing.")
    return found


def compare(kept: Sequence[Checkpoint], stored: Mapping[int, Checkpoint]) -> Iterator[Finding]:
    """Where the checkpoints kept elsewhere do not fit together, or not to those of the database."""
    by_number: dict[int, Checkpoint] = {}
    for checkpoint in kept:
        name = f"checkpoint {checkpoint.number}"
        if checkpoint.hash != checkpoint.hash_due():
            yield Finding("file_changed", f"{name}: its hash is not that of its columns")
        if by_number.setdefault(checkpoint.number, checkpoint) != checkpoint:
            yield Finding("file_changed", f"{name} is there twice, and not the same")
        before = by_number.get(checkpoint.number - 1)
        if before is not None and checkpoint.previous_hash != before.hash:
            yield Finding("file_changed", f"{name} does not follow the one before it")
        ours = stored.get(checkpoint.number)
        if ours is None:
            yield Finding("checkpoint_missing", f"{name} is not in the database")
        elif ours != checkpoint:
            yield Finding("checkpoint_differs", f"{name} is another one in the database")


def length_prefixed(text: str | None) -> bytes:
    """Its length in bytes, and its UTF-8; None is not the empty text."""
    if text is None:
        return b"\xff\xff\xff\xff"
    encoded = text.encode()
    return len(encoded).to_bytes(4) + encoded

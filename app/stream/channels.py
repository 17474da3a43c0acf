"""Channel names, and the book of what a process listens to. Nothing here talks to PostgreSQL."""

import asyncio

from app.model import TX_REF_PATTERN, TxRef, parse_tx_ref

PREFIX = "topup:"


def channel_of(tx_ref: TxRef) -> str:
    """The channel of a top-up, the same text as in topup.notify_topup.

    Raises InvalidRequest, so that a malformed tx_ref never reaches SQL.
    """
    return PREFIX + parse_tx_ref(tx_ref)


def worker_channel(worker_id: int) -> str:
    """Where a process is told that leases of its streams were ended."""
    return f"worker:{worker_id}"


def tx_ref_of(channel: str) -> TxRef | None:
    """The top-up that a channel belongs to; None for a name that is not ours."""
    name = channel.removeprefix(PREFIX)
    return TxRef(name) if name != channel and TX_REF_PATTERN.fullmatch(name) else None


class Channels:
    """What should be listened to, and what is.

    Only the difference is ever sent: a channel that is left and entered again before its turn
    costs nothing, and cannot end up without its LISTEN.
    """

    def __init__(self) -> None:
        self._wanted: set[str] = set()
        self._active: set[str] = set()
        self._requested: set[str] = set()  # where the two may differ
        self._changed = asyncio.Event()

    def __len__(self) -> int:
        return len(self._wanted)

    @property
    def active(self) -> int:
        """How many channels are listened to, on the present connection."""
        return len(self._active)

    @property
    def requested(self) -> bool:
        """Whether there may be something to send."""
        return bool(self._requested)

    def is_active(self, channel: str) -> bool:
        """Whether the LISTEN is committed, on the present connection."""
        return channel in self._active

    def want(self, channel: str) -> None:
        """Requests the LISTEN, if it is not active when the turn comes."""
        self._wanted.add(channel)
        self._requested.add(channel)

    def drop(self, channel: str) -> None:
        """Requests the UNLISTEN, if nobody wants the channel again before its turn."""
        self._wanted.discard(channel)
        self._requested.add(channel)

    def take(self) -> tuple[set[str], set[str]]:
        """The channels to LISTEN and to UNLISTEN now. Call `commit` once both are done."""
        requested, self._requested = self._requested, set()
        to_listen = (requested & self._wanted) - self._active
        to_unlisten = (requested & self._active) - self._wanted
        self._active -= to_unlisten  # whoever wants it back meanwhile has to wait
        return to_listen, to_unlisten

    def commit(self, listened: set[str]) -> None:
        """What `take` gave is done: these channels are active now."""
        self._active |= listened
        self.wake()

    def forget_active(self) -> None:
        """The connection is gone and its channels with it: everything has to be sent again."""
        self._active.clear()
        self._requested = set(self._wanted)

    async def change(self) -> None:
        """Returns after the next `commit` or `wake`."""
        await self._changed.wait()

    def wake(self) -> None:
        """Lets everybody in `change` look again."""
        self._changed.set()
        self._changed = asyncio.Event()

"""The SQL of opening a top-up: once for each request, however often and wherever it arrives."""

import hashlib
from collections.abc import Sequence
from typing import LiteralString
from uuid import UUID, uuid4

import psycopg

from app.database.pool import Database
from app.database.store import TOPUP_COLUMNS, topup_row
from app.errors import TooManyOpen
from app.model import Opened, Topup, TxRef, UserId, new_tx_ref
from app.settings import Settings

TX_REFS_TRIED_MAX = 3
TX_REF_TAKEN = "TU005"
TOO_MANY_OPEN = "TU012"

OPEN = f"SELECT {TOPUP_COLUMNS} FROM topup.open_topup(%s, %s, %s, %s, %s, %s, %s, %s, %s)"  # noqa: S608
FIRST_ANSWER = f"SELECT {TOPUP_COLUMNS} FROM topup.first_answer(%s)"  # noqa: S608
RENUMBER = f"SELECT {TOPUP_COLUMNS} FROM topup.renumber_topup(%s, %s)"  # noqa: S608
RESUME = f"""
    SELECT {TOPUP_COLUMNS} FROM topup.resume_link(%s, %s, %s)
    WHERE tx_ref IS NOT NULL
"""  # noqa: S608
RELEASE = "SELECT topup.release_link(%s, %s)"


class Openings:
    """From a request to a top-up that PayOS has a link for. Source of truth: the schema `topup`.

    `claim_seconds`: how long a process may take, at most, to get that link from PayOS; after that
    it counts as dead. Every method raises DatabaseUnavailable when the database is away.
    """

    def __init__(self, database: Database, settings: Settings, claim_seconds: float) -> None:
        self._database = database
        self._settings = settings
        self._claim_seconds = claim_seconds

    async def open(self, user_id: UserId, amount_vnd: int, idempotency_key: str | None) -> Opened:
        """A pending top-up with an order code; under the same key, the one opened before.

        Without a payment link it is claimed: give it back with `release`.
        Raises IdempotencyMismatch when the key was used with another amount, IdempotencyInFlight
        when another request has claimed it, TooManyOpen.
        """
        fingerprint = hashlib.sha256(f"amount={amount_vnd}".encode()).hexdigest()
        # Drawn here: when an answer is lost, the statement runs again and finds what it opened.
        request_id, tx_ref = uuid4(), new_tx_ref()
        tries_left = TX_REFS_TRIED_MAX
        while True:
            values = (
                tx_ref,
                request_id,
                user_id,
                amount_vnd,
                self._settings.topup_expiry_seconds,
                self._settings.topups_open_max,
                idempotency_key,
                fingerprint,
                self._claim_seconds,
            )
            try:
                return Opened(await self._only(OPEN, values), request_id)
            except psycopg.Error as error:
                if error.sqlstate == TOO_MANY_OPEN:
                    raise TooManyOpen(int(error.diag.message_detail or 0)) from error
                tries_left -= 1
                if error.sqlstate != TX_REF_TAKEN or not tries_left:
                    raise
            tx_ref = new_tx_ref()

    async def resume(self, tx_ref: TxRef) -> Opened | None:
        """A top-up that waits for a payment link, claimed as by `open`; None when it does not, or
        when another request has claimed it."""
        request_id = uuid4()
        values = (tx_ref, request_id, self._claim_seconds)
        for topup in await self._database.rows(topup_row, RESUME, values):
            return Opened(topup, request_id)
        return None

    async def release(self, tx_ref: TxRef, request_id: UUID) -> None:
        """Lets the next request go on, if this one still holds the claim."""
        await self._database.execute(RELEASE, (tx_ref, request_id))

    async def renumber(self, tx_ref: TxRef, taken_order_code: int) -> Topup:
        """The top-up under the next order code, if it still waits, without a link, under this one.

        The code is committed before PayOS can hear of it. Raises TopupNotFound.
        """
        return await self._only(RENUMBER, (tx_ref, taken_order_code))

    async def first_answer(self, tx_ref: TxRef) -> Topup:
        """The top-up as it stood when its link was recorded; as it stands, while it has none."""
        return await self._only(FIRST_ANSWER, (tx_ref,))

    async def _only(self, query: LiteralString, values: Sequence[object]) -> Topup:
        [topup] = await self._database.rows(topup_row, query, values)
        return topup

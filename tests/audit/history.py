"""The fixed history that docs/auditing.md is about: five days of March 2025, in Vietnam's time.

Everything goes through the doors of the schema, as the application; webhooks are signed bodies as
PayOS sends them. Only the clock is ours: the default of the columns that record the time is a
setting of the session.
"""

from dataclasses import dataclass
from typing import LiteralString
from uuid import UUID

from psycopg import AsyncConnection

from app.model import EventType, Fact, TxRef
from app.payos.answers import LinkState
from app.payos.transfer import Transfer, transaction_time
from app.payos.webhook import read_webhook
from tests.payments import about, append_raw, connected, element, linked
from tests.payos.wire import CHECKSUM_KEY, CLIENT_ID, TRANSFER, signed_body

YEAR = 2025
CLOCK = "history.clock"
CLOCKED = {"events": "recorded_at", "payos_bodies": "received_at", "users": "created_at"}
FIRST_ORDER = 500_000_001
STRANGE_ORDER = 77

OPEN: LiteralString = """
    SELECT order_code FROM topup.open_topup(%s, %s, %s, %s, 7200, 100, NULL, NULL, 0)
"""
ASSIGN: LiteralString = "SELECT (topup.assign_suspense(%s, %s, %s, %s)).outcome"


async def write_history(url: str) -> None:
    """Into a database with the schema and nothing in it."""
    async with connected(url) as superuser:
        for table, column in CLOCKED.items():
            default = f"current_setting('{CLOCK}')::timestamptz"
            await superuser.execute(
                f"ALTER TABLE topup.{table} ALTER {column} SET DEFAULT {default}"
            )
        values = ("topup.order_codes", FIRST_ORDER, False)
        await superuser.execute("SELECT setval(%s, %s, %s)", values)
    async with connected(url, "topup_app") as connection:
        await _happen(Past(connection))


@dataclass
class Past:
    """The doors, at a moment that is told before: `at("03-01 09:00")`."""

    connection: AsyncConnection
    order_code: int = FIRST_ORDER
    now: str = ""

    async def at(self, moment: str) -> None:
        self.now = f"{YEAR}-{moment}"
        await self.connection.execute("SELECT set_config(%s, %s, false)", (CLOCK, f"{self.now}+07"))

    async def register(self, username: str) -> None:
        await self.connection.execute("SELECT topup.register_user(%s, 'no hash')", (username,))

    async def open(self, tx_ref: str, user_id: int, amount: int) -> int:
        """Opened and linked; the order code."""
        values = (tx_ref, UUID(int=self.order_code), user_id, amount)
        [(order_code,)] = await (await self.connection.execute(OPEN, values)).fetchall()
        assert order_code == self.order_code
        self.order_code += 1
        await self.append(linked(TxRef(tx_ref), link_of(order_code)))
        return self.order_code - 1

    async def told(
        self, order_code: int, amount: int, reference: str, at: str, code: str = "00"
    ) -> UUID:
        """By a webhook; the bank moved the money `at`. Its event id."""
        body = signed_body(
            orderCode=order_code,
            paymentLinkId=link_of(order_code),
            amount=amount,
            reference=reference,
            transactionDateTime=f"{YEAR}-{at}",
            code=code,
        )
        return await self.append(read_webhook(body, [CHECKSUM_KEY], CLIENT_ID).fact)

    async def found(self, order_code: int, amount: int, reference: str, at: str) -> UUID:
        """By asking PayOS, whose webhook was lost."""
        transfer = Transfer(
            order_code,
            link_of(order_code),
            reference,
            amount,
            account_number=str(TRANSFER["accountNumber"]),
            description=str(TRANSFER["description"]),
            at=transaction_time(f"{YEAR}-{at}"),
        )
        state = LinkState(link_of(order_code), order_code, amount, amount, "PAID", (transfer,))
        return await self.append(state.fact(transfer, CLIENT_ID))

    async def ended(self, tx_ref: str, how: EventType) -> None:
        await self.append(about(TxRef(tx_ref), how))

    async def assign(self, event_id: UUID, tx_ref: str, reason: str, name: str) -> None:
        values = (event_id, tx_ref, reason, name)
        [(outcome,)] = await (await self.connection.execute(ASSIGN, values)).fetchall()
        assert outcome == "applied"

    async def append(self, fact: Fact) -> UUID:
        [(outcome, *_)] = await append_raw(self.connection, [element(fact)])
        assert outcome != "rejected"
        return fact.event_id


def link_of(order_code: int) -> str:
    return f"{order_code:032x}"


async def _happen(past: Past) -> None:
    await past.at("03-01 08:00")
    for username in ("an.le", "binh.vu", "cuc.ho", "dung.do"):
        await past.register(username)
    stray = await _first_two_days(past)
    await _three_more_days(past, stray)


async def _first_two_days(past: Past) -> UUID:
    """A plain payment, one over midnight, one that comes too late, and a stranger's: its event."""
    await past.at("03-01 09:00")
    plain = await past.open("T0000000A", 1, 100_000)
    await past.at("03-01 09:05")
    await past.told(plain, 100_000, "FT25060001", at="03-01 09:04:30")

    await past.at("03-01 23:50")
    two_parts = await past.open("T0000000B", 2, 50_000)
    await past.at("03-01 23:58")
    await past.told(two_parts, 20_000, "FT25060002", at="03-01 23:57:40")
    await past.at("03-02 00:01")
    await past.told(two_parts, 30_000, "FT25060003", at="03-01 23:59:50")

    await past.at("03-02 10:00")
    expired = await past.open("T0000000C", 1, 200_000)
    await past.at("03-02 12:00")
    await past.ended("T0000000C", EventType.TOPUP_EXPIRED)
    await past.at("03-02 15:00")
    await past.told(expired, 200_000, "FT25061004", at="03-02 14:59:00")

    await past.at("03-02 16:00")
    return await past.told(STRANGE_ORDER, 70_000, "FT25061005", at="03-02 15:59:20")


async def _three_more_days(past: Past, stray: UUID) -> None:
    """What persons decide, what is paid twice or too much, what was lost, and what never came."""
    await past.at("03-03 09:30")
    await past.open("T0000000D", 3, 80_000)
    await past.at("03-03 10:00")
    await past.assign(stray, "T0000000D", "ticket 1234, receipt seen", "Lan")

    await past.at("03-03 11:00")
    too_much = await past.open("T0000000E", 2, 60_000)
    await past.at("03-03 11:04")
    await past.told(too_much, 65_000, "FT25062006", at="03-03 11:03:30")
    await past.at("03-03 11:05")
    await past.told(too_much, 56_000, "FT25062006", at="03-03 11:03:30")
    await past.at("03-03 12:00")
    await past.told(STRANGE_ORDER, 15_000, "FT25062007", at="03-03 11:59:10")

    await past.at("03-04 08:00")
    lost = await past.open("T0000000F", 1, 30_000)
    await past.at("03-04 09:00")
    await past.found(lost, 30_000, "FT25063008", at="03-04 08:05:00")
    await past.at("03-04 10:00")
    await past.open("T0000000G", 3, 40_000)
    await past.at("03-04 10:20")
    await past.ended("T0000000G", EventType.TOPUP_CANCELLED)
    await past.at("03-04 14:00")
    failing = await past.open("T0000000H", 2, 25_000)
    await past.at("03-04 14:03")
    await past.told(failing, 25_000, "FT25063009", at="03-04 14:02:30", code="01")

    await past.at("03-05 08:00")
    await past.open("T0000000J", 2, 90_000)

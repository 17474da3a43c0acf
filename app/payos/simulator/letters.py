"""The webhooks of one transfer as they are put in the post: right, or wrong on purpose."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from app.payos.fields import whole
from app.payos.signature import sign
from app.payos.simulator.wire import PAYER, JsonObject

OTHER_KEY = "not the key of this channel"
SURPLUS_VND = 1_000
NEW_FIELD: JsonObject = {"feeAmount": 0}


class Kind(StrEnum):
    """What a webhook is to a shop that counts."""

    FIRST = "first"
    AGAIN = "duplicate"
    FORGED = "wrong-signature"
    CONFLICTING = "other-amount"


@dataclass(frozen=True, slots=True)
class Letter:
    """One webhook, ready to be sent as often as one likes."""

    order_code: object
    kind: Kind
    body: str


@dataclass(frozen=True, slots=True)
class Desk:
    """Writes the letters about one transfer, of which `data` is the truth."""

    data: JsonObject
    key: str

    def right(self, kind: Kind = Kind.FIRST) -> Letter:
        """The same bytes every time."""
        return self._letter(kind, self.data)

    def with_new_field(self) -> Letter:
        return self._letter(Kind.FIRST, self.data | NEW_FIELD)

    def without_payer(self) -> Letter:
        """Without the six fields that may be null as well."""
        known = {name: value for name, value in self.data.items() if name not in PAYER}
        return self._letter(Kind.FIRST, known)

    def without_reference(self) -> Letter:
        known = {name: value for name, value in self.data.items() if name != "reference"}
        return self._letter(Kind.FIRST, known)

    def conflicting(self) -> Letter:
        """More money under the same reference."""
        amount = whole(self.data, "amount") + SURPLUS_VND
        return self._letter(Kind.CONFLICTING, self.data | {"amount": amount})

    def forged(self) -> Letter:
        return Letter(self.data["orderCode"], Kind.FORGED, _signed(self.data, OTHER_KEY))

    def _letter(self, kind: Kind, data: JsonObject) -> Letter:
        return Letter(data["orderCode"], kind, _signed(data, self.key))


def _signed(data: Mapping[str, object], key: str) -> str:
    envelope = {"code": "00", "desc": "success", "success": True, "data": data}
    return json.dumps({**envelope, "signature": sign(data, key)})

"""Webhooks as PayOS sends them."""

import json
import secrets
from collections.abc import Mapping
from typing import Any

from app.payos.signature import sign

CHECKSUM_KEY = "f00dbabe" * 8


def signed(data: Mapping[str, object], key: str = CHECKSUM_KEY) -> bytes:
    """The body of a webhook of PayOS."""
    around = {"code": "00", "desc": "success", "success": True}
    return json.dumps({**around, "data": data, "signature": sign(data, key)}).encode()


def transfer_data(order_code: object, amount: object = 50_000, **changes: object) -> dict[str, Any]:
    """The data of a webhook about a transfer that is new, of a payer who is made up."""
    return {
        "orderCode": order_code,
        "amount": amount,
        "description": "CSED51ZGP85 naptien",
        "accountNumber": "0901234567890",
        "reference": f"FT{secrets.token_hex(7)}",
        "transactionDateTime": "2026-03-01 10:11:12",
        "currency": "VND",
        "paymentLinkId": secrets.token_hex(16),
        "code": "00",
        "desc": "success",
        "counterAccountBankId": "970436",
        "counterAccountBankName": None,
        "counterAccountName": "TRẦN THỊ BÍCH",
        "counterAccountNumber": "9876543210",
        "virtualAccountName": "",
        "virtualAccountNumber": None,
        **changes,
    }

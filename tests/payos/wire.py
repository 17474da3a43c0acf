"""A made-up payment channel, and what PayOS would send about it."""

import json
from typing import Any

from payos.types import CreatePaymentLinkRequest

from app.payos.signature import sign

CLIENT_ID = "client-1"
API_KEY = "made-up-api-key"
CHECKSUM_KEY = "f00dbabe" * 8
CREDENTIALS = {"x-client-id": CLIENT_ID, "x-api-key": API_KEY}

LINK_ID = "aa11bb22cc33dd44ee55ff6677889900"
TRANSFER = {
    "orderCode": 1726000001,
    "amount": 50_000,
    "description": "CSED51ZGP85 T1234ABCD",
    "accountNumber": "0123456789",
    "reference": "FT25250123456789",
    "transactionDateTime": "2025-09-07 10:11:12",
    "currency": "VND",
    "paymentLinkId": LINK_ID,
    "code": "00",
    "desc": "success",
    "counterAccountBankId": "970422",
    "counterAccountBankName": None,
    "counterAccountName": "TRẦN THỊ BÍCH",
    "counterAccountNumber": "9876543210",
    "virtualAccountName": "",
    "virtualAccountNumber": None,
}


def signed_body(data: dict[str, Any] | None = None, **fields: Any) -> bytes:
    """The body of a webhook with `data`, or with a good transfer in which `fields` are changed."""
    signed = {**TRANSFER, **fields} if data is None else data
    envelope = {"code": "00", "desc": "success", "success": True, "data": signed}
    return json.dumps({**envelope, "signature": sign(signed, CHECKSUM_KEY)}).encode()


def link_request(**fields: Any) -> CreatePaymentLinkRequest:
    """A request of the official SDK for order 5001 over 50.000 đ."""
    wanted = {
        "order_code": 5001,
        "amount": 50_000,
        "description": "T1234ABCD",
        "return_url": "https://shop.example/return",
        "cancel_url": "https://shop.example/cancel?from=payos",
    }
    return CreatePaymentLinkRequest(**{**wanted, **fields})

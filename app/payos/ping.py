"""The public sample that confirm-webhook sends: validly signed, and not money."""

from collections.abc import Mapping

PING: dict[str, object] = {
    "orderCode": 123,
    "amount": 3000,
    "description": "VQRIO123",
    "accountNumber": "12345678",
    "reference": "TF230204212323",
    "transactionDateTime": "2023-02-04 18:25:00",
    "currency": "VND",
    "paymentLinkId": "124c33293c43417ab7879e14c8d9eb18",
    "code": "00",
    "desc": "Thành công",
    "counterAccountBankId": "",
    "counterAccountBankName": "",
    "counterAccountName": "",
    "counterAccountNumber": "",
    "virtualAccountName": "",
    "virtualAccountNumber": "",
}


def is_ping(data: Mapping[str, object]) -> bool:
    return all(data.get(name) == PING[name] for name in ("orderCode", "reference"))

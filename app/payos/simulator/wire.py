"""The JSON objects that PayOS sends: answers of its API and the data of its webhooks."""

from app.payos.simulator.bank import Account, Order, Transfer

JsonObject = dict[str, object]

PAYER: JsonObject = {
    "counterAccountBankId": "970436",
    "counterAccountBankName": None,
    "counterAccountName": "NGUYỄN THỊ MINH KHAI",
    "counterAccountNumber": "0071000123456",
    "virtualAccountName": None,
    "virtualAccountNumber": "",
}
"""An invented payer; "" and null are mixed as they are in production."""


def created_link(order: Order, checkout_url: str) -> JsonObject:
    """The answer to a new link."""
    return {
        "bin": order.account.bank_bin,
        "accountNumber": order.account.number,
        "accountName": order.account.name,
        "amount": order.amount,
        "description": order.message,
        "orderCode": order.order_code,
        "currency": "VND",
        "paymentLinkId": order.payment_link_id,
        "status": order.status,
        "expiredAt": int(order.expires_at.timestamp()) if order.expires_at else None,
        "checkoutUrl": checkout_url,
        "qrCode": order.qr_code,
    }


def link(order: Order) -> JsonObject:
    """The answer to a question about a link, and to its cancelling."""
    return {
        "id": order.payment_link_id,
        "orderCode": order.order_code,
        "amount": order.amount,
        "amountPaid": order.amount_paid,
        "amountRemaining": order.amount_remaining,
        "status": order.status,
        "createdAt": order.created_at.isoformat(),
        "transactions": [_transaction(order, transfer) for transfer in order.transfers],
        "canceledAt": order.cancelled_at.isoformat() if order.cancelled_at else None,
        "cancellationReason": order.cancellation_reason,
    }


def registration(account: Account, webhook_url: str) -> JsonObject:
    """The answer to confirm-webhook."""
    return {
        "webhookUrl": webhook_url,
        "accountNumber": account.number,
        "accountName": account.name,
        "name": account.bank_name,
        "shortName": account.bank_name,
    }


def webhook_data(order: Order, transfer: Transfer) -> JsonObject:
    """The 16 fields of one transfer; its time is Vietnam's and does not say so."""
    return {
        "accountNumber": order.account.number,
        "amount": transfer.amount,
        "description": order.message,
        "reference": transfer.reference,
        "transactionDateTime": f"{transfer.at:%Y-%m-%d %H:%M:%S}",
        **PAYER,
        "currency": "VND",
        "orderCode": order.order_code,
        "paymentLinkId": order.payment_link_id,
        "code": "00",
        "desc": "success",
    }


def _transaction(order: Order, transfer: Transfer) -> JsonObject:
    return {
        "reference": transfer.listed_as,
        "amount": transfer.amount,
        "accountNumber": order.account.number,
        "description": order.message,
        "transactionDateTime": transfer.at.isoformat(),
        **PAYER,
    }

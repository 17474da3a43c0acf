"""The text of a VietQR code: EMVCo merchant-presented QR in the profile of NAPAS."""

import binascii
import unicodedata

NAPAS = "A000000727"
TRANSFER_TO_ACCOUNT = "QRIBFTTA"
VND = "704"


def vietqr(bank_bin: str, account_number: str, amount_vnd: int, message: str) -> str:
    """A code for one transfer, with its CRC. `message` loses its diacritics, as banks want it."""
    beneficiary = _field("00", bank_bin) + _field("01", account_number)
    account = _field("00", NAPAS) + _field("01", beneficiary) + _field("02", TRANSFER_TO_ACCOUNT)
    text = "".join(
        (
            _field("00", "01"),  # version
            _field("01", "12"),  # for one payment only
            _field("38", account),
            _field("53", VND),
            _field("54", str(amount_vnd)),
            _field("58", "VN"),
            _field("62", _field("08", _ascii(message))),
            "6304",
        )
    )
    return text + crc16(text)


def crc16(text: str) -> str:
    """CRC-16/CCITT-FALSE over everything up to and with the CRC's own tag and length."""
    return f"{binascii.crc_hqx(text.encode(), 0xFFFF):04X}"


def _field(tag: str, value: str) -> str:
    return f"{tag}{len(value):02}{value}"


def _ascii(text: str) -> str:
    decomposed = unicodedata.normalize("NFD", text.replace("đ", "d").replace("Đ", "D"))
    return decomposed.encode("ascii", "ignore").decode()

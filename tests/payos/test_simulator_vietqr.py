"""The text of the QR code, against the examples of NAPAS and read back field by field."""

from hypothesis import given
from hypothesis import strategies as st

from app.payos.simulator.vietqr import crc16, vietqr


def fields(text: str) -> dict[str, str]:
    """The tag-length-value fields of `text`."""
    found = {}
    while text:
        tag, length = text[:2], int(text[2:4])
        found[tag], text = text[4 : 4 + length], text[4 + length :]
    return found


def test_the_crc_is_that_of_the_example_of_napas() -> None:
    example = (
        "00020101021238570010A00000072701270006970403011300110123456780208QRIBFTTA5303704"
        "54061800005802VN62340107NPS68690819thanh toan don hang63042E2E"
    )
    assert crc16(example[:-4]) == example[-4:]


def test_a_code_for_a_transfer_with_amount_and_message_is_the_known_one() -> None:
    assert vietqr("970403", "0011012345678", 180_000, "thanh toan don hang") == (
        "00020101021238570010A00000072701270006970403011300110123456780208QRIBFTTA5303704"
        "54061800005802VN62230819thanh toan don hang63045FAB"
    )


def test_the_message_loses_its_diacritics() -> None:
    code = vietqr("970422", "1", 1, "Nạp ví Đỗ Thị Bưởi đ")
    assert fields(fields(code)["62"])["08"] == "Nap vi Do Thi Buoi d"


@given(st.integers(1, 10**12), st.text("ABCĐ019 đểư", max_size=37))
def test_account_amount_and_message_can_be_read_back(amount: int, message: str) -> None:
    code = vietqr("970422", "0901234567890", amount, message)
    read = fields(code)
    assert read["54"] == str(amount)
    assert read["63"] == crc16(code[:-4])
    beneficiary = fields(fields(read["38"])["01"])
    assert beneficiary == {"00": "970422", "01": "0901234567890"}
    assert len(fields(read["62"])["08"]) == len(message)

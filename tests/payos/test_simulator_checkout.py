"""The checkout page of the simulator, as HTML; and what its buttons do."""

import re
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import payos
import pytest

from app.model import VIETNAM
from app.payos.simulator import create_simulator
from app.payos.simulator.bank import Account, Order
from app.payos.simulator.checkout import shop_address
from tests.payos.conftest import Shop
from tests.payos.wire import API_KEY, CHECKSUM_KEY, CLIENT_ID, link_request


@pytest.fixture
async def page_url(sdk: payos.AsyncPayOS) -> str:
    """The checkout page of order 5001 over 50.000 đ."""
    return str((await sdk.payment_requests.create(link_request())).checkout_url)


def words(page: httpx.Response) -> str:
    """The text of a page, without markup."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page.text)).replace("\xa0", " ").split())


async def test_the_page_says_what_to_pay_and_where(
    page_url: str, browser: httpx.AsyncClient, simulator_url: str
) -> None:
    assert page_url.startswith(simulator_url)
    page = await browser.get(page_url)
    assert page.status_code == 200
    assert '<html lang="vi">' in page.text
    assert "<svg" in page.text
    text = words(page)
    assert "Chờ thanh toán" in text
    assert "50.000 đ" in text
    assert "0901234567890" in text
    assert re.search(r"Nội dung CS[0-9A-Z]{9} T1234ABCD", text)


async def test_paying_in_full_tells_the_shop_and_leads_back(
    page_url: str, browser: httpx.AsyncClient, shop: Shop
) -> None:
    page = await browser.post(page_url + "/pay", data={"amount": "50000"})
    assert str(page.url) == page_url
    text = words(page)
    assert "Đã thanh toán" in text
    assert "Cửa hàng đã nhận" in text
    assert len(shop.bodies) == 1
    address = link_to_the_shop(page)
    assert address.startswith("https://shop.example/return?")
    assert query_of(address) == {
        "code": "00",
        "id": page_url.rpartition("/")[2],
        "cancel": "false",
        "status": "PAID",
        "orderCode": "5001",
    }


async def test_paying_a_part_shows_what_is_still_owed(
    page_url: str, browser: httpx.AsyncClient
) -> None:
    text = words(await browser.post(page_url + "/pay", data={"amount": "20.000 đ"}))
    assert "Đã trả một phần" in text
    assert "Còn thiếu 30.000 đ" in text


async def test_paying_too_much_shows_the_surplus(page_url: str, browser: httpx.AsyncClient) -> None:
    text = words(await browser.post(page_url + "/pay", data={"amount": "60000"}))
    assert "Đã thanh toán" in text
    assert "Đã trả dư 10.000 đ" in text


@pytest.mark.parametrize("amount", ["", "0", "-5", "1,5", "nhiều", "½", "9" * 30, "1e3"])
async def test_an_amount_that_is_none_is_asked_for_again(
    amount: str, page_url: str, browser: httpx.AsyncClient, shop: Shop
) -> None:
    page = await browser.post(page_url + "/pay", data={"amount": amount})
    assert page.status_code == 400
    assert "Nhập số đồng lớn hơn 0" in words(page)
    assert shop.bodies == []


async def test_cancelling_leads_back_to_the_cancel_address_and_tells_nobody(
    page_url: str, browser: httpx.AsyncClient, shop: Shop
) -> None:
    page = await browser.post(page_url + "/cancel")
    assert "Đã huỷ" in words(page)
    assert "<svg" not in page.text
    address = link_to_the_shop(page)
    assert address.startswith("https://shop.example/cancel?")
    query = query_of(address)
    assert query["from"] == "payos"
    assert (query["status"], query["cancel"]) == ("CANCELLED", "true")
    assert shop.bodies == []


async def test_a_shop_that_does_not_take_the_webhook_is_shown_and_told_again(
    page_url: str, browser: httpx.AsyncClient, shop: Shop
) -> None:
    shop.status = 500
    failed = await browser.post(page_url + "/pay", data={"amount": "50000"})
    assert "Cửa hàng chưa nhận: Request failed with status code 500" in words(failed)
    shop.status = 200
    again = await browser.post(page_url + "/resend")
    assert "Cửa hàng đã nhận" in words(again)
    assert shop.bodies[0] == shop.bodies[1]


async def test_nothing_is_sent_again_before_a_payment(
    page_url: str, browser: httpx.AsyncClient, shop: Shop
) -> None:
    assert (await browser.post(page_url + "/resend")).status_code == 200
    assert shop.bodies == []


@pytest.mark.parametrize("action", ["", "/pay", "/resend", "/cancel"])
async def test_an_unknown_link_is_a_page_that_says_so(
    action: str, browser: httpx.AsyncClient
) -> None:
    path = "/web/" + "0" * 32 + action
    page = await (browser.post(path) if action else browser.get(path))
    assert page.status_code == 404
    assert "Không tìm thấy link thanh toán" in words(page)


async def test_the_stylesheet_is_served_and_nothing_else_may_load(
    page_url: str, browser: httpx.AsyncClient
) -> None:
    page = await browser.get(page_url)
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    [stylesheet] = re.findall(r'rel="stylesheet" href="([^"]+)"', page.text)
    assert (await browser.get(stylesheet)).headers["Content-Type"].startswith("text/css")
    await browser.get(page_url)  # which is answered once Quart has closed the stylesheet


async def test_what_the_shop_wrote_is_text_and_not_markup(
    sdk: payos.AsyncPayOS, browser: httpx.AsyncClient
) -> None:
    created = await sdk.payment_requests.create(link_request(description="<b>&\"'</b>"))
    page = await browser.get(created.checkout_url)
    assert "<b>&\"'" not in page.text
    assert "<b>&\"'</b>" in unescape(page.text)


async def test_without_a_registered_webhook_the_page_says_so(
    serve: Callable[[Any], Awaitable[str]], shop: Shop
) -> None:
    url = await serve(create_simulator(CLIENT_ID, API_KEY, CHECKSUM_KEY))
    async with (
        payos.AsyncPayOS(CLIENT_ID, API_KEY, CHECKSUM_KEY, base_url=url) as sdk,
        httpx.AsyncClient(follow_redirects=True) as browser,
    ):
        created = await sdk.payment_requests.create(link_request())
        page = await browser.post(created.checkout_url + "/pay", data={"amount": "50000"})
        assert "no webhook URL is registered" in words(page)
        await sdk.webhooks.confirm(shop.url)
        assert "Cửa hàng đã nhận" in words(await browser.post(created.checkout_url + "/resend"))


def test_an_order_expires_unless_it_is_paid() -> None:
    order = Order(
        order_code=1,
        amount=1_000,
        description="T1234ABCD",
        return_url="https://shop.example/return",
        cancel_url="https://shop.example/cancel",
        expires_at=datetime.now(VIETNAM) - timedelta(seconds=1),
        account=Account(),
    )
    assert order.status == "EXPIRED"
    assert "status=EXPIRED" in shop_address(order)
    order.receive(1_000)
    assert order.status == "PAID"


def link_to_the_shop(page: httpx.Response) -> str:
    [address] = re.findall(r'<a class="button" href="([^"]+)"', page.text)
    return unescape(address)


def query_of(address: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}

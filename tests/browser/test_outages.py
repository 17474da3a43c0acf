"""What a payer sees while something is away that the page relies on."""

import signal
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import BrowserContext, Page, expect

from app.texts import dong
from tests.browser.gallery import AMOUNT, paid, register
from tests.browser.payer import agree_to_cancel, follow, order, pay
from tests.browser.pictures import PHONE_HEIGHT, picture
from tests.browser.witness import Requests, shifted
from tests.payments import Process
from tests.services import Service, StartService, environment_on

pytestmark = pytest.mark.browser

PATIENCE_MS = 60_000
"""Polls and attempts come the later the longer the way to them took: up to 15 s, and 60 s."""


@pytest.fixture
def environment(database_url: str, request: pytest.FixtureRequest) -> dict[str, str]:
    """Of the service; parametrized indirectly with what a test wants to be different."""
    return environment_on(database_url) | getattr(request, "param", {})


@pytest_asyncio.fixture(loop_scope="session")
async def page(service: Service, phone: BrowserContext) -> AsyncIterator[Page]:
    """Of a payer who is logged in, at nothing yet."""
    await register(service, phone)
    yield await phone.new_page()


async def test_a_lost_connection_is_no_reason_to_worry(
    service: Service, start_service: StartService, process: Process, page: Page
) -> None:
    topup = await follow(service, page)
    before = await shifted(page)
    service.stop()
    connection = page.locator(".connection")
    await expect(connection).to_have_text(
        "Mất kết nối. Chúng tôi vẫn theo dõi, tiền của bạn an toàn."
    )
    await expect(connection).to_have_attribute("aria-live", "polite")
    assert await shifted(page) == before
    await picture(page, "state-connection-lost", PHONE_HEIGHT)
    await process.store.append_events([paid(topup)])
    start_service(bind=service.address)
    await expect(page.get_by_role("status")).to_contain_text(
        f"Đã nhận {dong(AMOUNT)}", timeout=PATIENCE_MS
    )


@pytest.mark.parametrize("environment", [{"NAPVI_STREAM": "off"}], indirect=True)
async def test_without_the_stream_a_payment_shows_by_polling(service: Service, page: Page) -> None:
    await page.goto(f"{service.url}/wallet/topup")
    requests = Requests(page)
    await order(page, connection="polling")
    await expect(page.locator(".connection")).to_have_text("Tự cập nhật vài giây một lần")
    await pay(page)
    await expect(page.get_by_role("status")).to_contain_text(
        f"Đã nhận {dong(50_000)}", timeout=PATIENCE_MS
    )
    await expect(page.locator(".slip")).to_have_attribute("data-connection", "closed")
    assert requests.to("/api/topup/status") != []
    assert requests.to("/api/topup/stream") == []


@pytest.mark.parametrize("environment", [{"NAPVI_PAYOS_TIMEOUT_SECONDS": "3"}], indirect=True)
async def test_while_payos_is_away_the_page_says_so_and_can_be_asked_again(
    page: Page, service: Service, simulator: Service
) -> None:
    offer = page.get_by_role("button", name="Huỷ lần nạp này")
    await follow(service, page)
    simulator.send(signal.SIGSTOP)
    try:
        await agree_to_cancel(page)
        await expect(offer).to_have_attribute("aria-busy", "true")
        fault = page.locator('[data-fault="form"]')
        await expect(fault).to_have_text("Chưa huỷ được, hãy thử lại.", timeout=PATIENCE_MS)
    finally:
        simulator.send(signal.SIGCONT)
    await expect(page.get_by_role("status")).to_contain_text("Đang chờ chuyển khoản")
    await expect(offer).to_have_attribute("aria-busy", "false")
    await agree_to_cancel(page)
    await expect(page.get_by_role("status")).to_contain_text("Lần nạp này đã huỷ")

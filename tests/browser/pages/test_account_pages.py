"""Registration and login, with what people get wrong."""

import asyncio
import re

import pytest
from playwright.async_api import BrowserContext, Route, expect

from tests.browser.gallery import new_username
from tests.browser.payer import submit
from tests.browser.witness import Requests
from tests.services import PASSWORD, Service

pytestmark = pytest.mark.browser


async def test_what_is_wrong_is_said_where_it_is_wrong(
    service: Service, phone: BrowserContext
) -> None:
    username, page = new_username(), await phone.new_page()
    await page.goto(f"{service.url}/register")
    await submit(page, username="Nguyễn Lan", password=PASSWORD)
    await expect(page.locator('[data-fault="username"]')).to_contain_text("chữ thường không dấu")
    await expect(page.locator("#username")).to_be_focused()
    await submit(page, username=username, password=PASSWORD)
    await expect(page).to_have_url(f"{service.url}/wallet")

    await page.get_by_role("button", name="Đăng xuất").click()
    await page.get_by_role("link", name="Đăng ký").click()
    await submit(page, username=username, password=PASSWORD)
    await expect(page.get_by_text("Tên đăng nhập này đã được sử dụng.")).to_be_visible()
    await expect(page.locator('[data-fault="username"]')).to_be_empty()


async def test_what_is_pressed_before_the_script_is_there_sends_nothing(
    service: Service, phone: BrowserContext
) -> None:
    page = await phone.new_page()
    loading: asyncio.Future[Route] = asyncio.get_running_loop().create_future()

    def hold(script: Route) -> None:
        loading.set_result(script)

    await page.route("**/static/account-page.js", hold, times=1)
    await page.goto(f"{service.url}/login", wait_until="commit")
    script = await loading
    requests = Requests(page)
    await page.locator("#password").fill(PASSWORD)
    await page.locator("#password").press("Enter")
    await expect(page.locator("button[type=submit]")).to_be_disabled()
    assert requests.navigations == []
    await script.continue_()
    await submit(page, username="nobody", password=PASSWORD)
    await expect(page.get_by_text("Tên đăng nhập hoặc mật khẩu không đúng.")).to_be_visible()


async def test_a_refused_login_does_not_say_which_half_was_wrong(
    service: Service, phone: BrowserContext
) -> None:
    username, page = new_username(), await phone.new_page()
    await page.goto(f"{service.url}/login?next=/wallet/topup")
    await submit(page, username="nobody", password=PASSWORD)
    await expect(page.get_by_text("Tên đăng nhập hoặc mật khẩu không đúng.")).to_be_visible()
    await page.get_by_role("link", name="Đăng ký").click()
    await submit(page, username=username, password=PASSWORD)
    await expect(page).to_have_url(f"{service.url}/wallet/topup")


async def test_who_has_to_wait_after_wrong_passwords_is_told_how_long(
    service: Service, phone: BrowserContext
) -> None:
    username, page = new_username(), await phone.new_page()
    guess = {"username": username, "password": PASSWORD}
    while (await phone.request.post(f"{service.url}/api/auth/login", data=guess)).status == 401:
        pass
    await page.goto(f"{service.url}/login")
    await submit(page, **guess)
    await expect(page.locator('[data-fault="form"]')).to_have_text(
        re.compile(r"Đã có nhiều lần nhập sai mật khẩu\. Vui lòng thử lại sau [1-3]?\d giây\.")
    )

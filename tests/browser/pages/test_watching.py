"""What a payer sees, hears and can do while waiting."""

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, Route, expect

from app.database.review import Review
from app.model import TxRef
from app.texts import dong
from tests.browser.gallery import (
    AMOUNT,
    ENDS,
    cancelled,
    expired,
    open_topup,
    paid,
    register,
)
from tests.browser.payer import follow
from tests.browser.pictures import PHONE_HEIGHT, picture
from tests.browser.witness import Requests, shifted
from tests.payments import LINK, Process, linked, linked_without_code, transfer
from tests.services import Service

pytestmark = pytest.mark.browser

FOUND = "2" * 32
"""Another link than LINK, in one database."""

BACK_TO_THE_SHOP = "Quay về cửa hàng"


@pytest_asyncio.fixture(loop_scope="session")
async def page(service: Service, phone: BrowserContext) -> AsyncIterator[Page]:
    """Of a payer who is logged in, at nothing yet."""
    await register(service, phone)
    yield await phone.new_page()


@pytest.mark.parametrize(("language", "width"), [("vi", 360), ("en", 360), ("en", 1280)])
async def test_no_state_that_arrives_moves_anything(
    service: Service, process: Process, page: Page, language: str, width: int
) -> None:
    await page.set_viewport_size({"width": width, "height": 800})
    await page.context.add_cookies([{"name": "lang", "value": language, "url": service.url}])
    for sentence, facts in ENDS.items():
        topup = await follow(service, page)
        before = await shifted(page)
        for fact in facts(topup):
            await process.store.append_events([fact])
        await expect(page.locator(".slip")).to_have_attribute("data-sentence", sentence)
        await expect(page.get_by_role("status")).to_be_in_viewport()
        assert await shifted(page) == before, sentence
        if (language, width) == ("vi", 360):
            await picture(page, f"state-{sentence}", PHONE_HEIGHT)


@pytest.mark.parametrize("hours", [-3, 0, 3])
async def test_a_phone_whose_clock_is_wrong_counts_down_all_the_same(
    service: Service, page: Page, hours: int
) -> None:
    await page.clock.install(time=datetime.now(UTC) + timedelta(hours=hours))
    await follow(service, page)
    left = page.get_by_role("timer")
    await expect(left).to_have_text(re.compile(r"^14:[3-5]\d$"))
    await page.clock.pause_at(datetime.now(UTC) + timedelta(hours=hours, minutes=5))
    await expect(left).to_have_text(re.compile(r"^(10:0\d|9:[3-5]\d)$"))
    await expect(page.get_by_role("status")).to_contain_text("Đang chờ chuyển khoản")


async def test_what_is_left_does_not_depend_on_when_the_scripts_came(
    service: Service, page: Page
) -> None:
    topup = await open_topup(service, page.context)
    asked, left = asyncio.Event(), page.get_by_role("timer")

    async def arrive_late(route: Route) -> None:
        asked.set()
        await page.wait_for_function("() => performance.now() > 4000")
        await route.continue_()

    await page.route("**/static/topup-slip.js", arrive_late)
    await page.goto(f"{service.url}/wallet/topup/{topup['tx_ref']}")
    await expect(page.locator(".slip")).to_have_attribute("data-connection", "live")
    shown, ends_in_ms = await left.evaluate(
        "(left, end) => [left.textContent, Date.parse(end) - Date.now()]", topup["expires_at"]
    )
    minutes, seconds = map(int, shown.split(":"))
    assert abs(minutes * 60 + seconds - ends_in_ms / 1000) < 2


async def test_who_had_the_focus_where_nothing_is_any_more_goes_on_from_the_title(
    service: Service, process: Process, page: Page
) -> None:
    topup = await follow(service, page)
    await page.get_by_role("link", name="Mở trang thanh toán").focus()
    await process.store.append_events([paid(topup)])
    await expect(page.get_by_role("status")).to_contain_text(f"Đã nhận {dong(AMOUNT)}")
    await expect(page.locator("h1")).to_be_focused()


async def test_when_the_time_is_over_the_code_goes_and_the_money_is_safe(
    service: Service, page: Page
) -> None:
    await page.clock.install()
    await follow(service, page)
    await page.clock.fast_forward("15:01")
    await expect(page.get_by_role("status")).to_contain_text("Đã hết thời gian thanh toán")
    await expect(page.get_by_role("status")).to_contain_text("tiền về vẫn được cộng vào ví")
    await expect(page.get_by_role("img", name="Mã VietQR")).to_be_hidden()
    await expect(page.get_by_role("timer")).to_be_hidden()
    await picture(page, "state-overdue", PHONE_HEIGHT)


async def test_when_the_time_is_over_who_paid_a_part_is_not_asked_for_the_rest(
    service: Service, process: Process, page: Page
) -> None:
    await page.clock.install()
    topup = await follow(service, page)
    await process.store.append_events([paid(topup, 40_000)])
    status = page.get_by_role("status")
    await expect(status).to_contain_text("Hãy chuyển nốt")
    before = await shifted(page)
    await page.clock.fast_forward("15:01")
    await expect(status).to_contain_text(f"Đã nhận {dong(40_000)}, hết hạn thanh toán")
    await expect(status).to_contain_text("hãy tạo lần nạp mới")
    await expect(page.get_by_role("img", name="Mã VietQR")).to_be_hidden()
    await expect(page.locator(".when-closed")).to_be_visible()
    assert await shifted(page) == before


async def test_a_code_that_is_made_later_shows_without_a_reload(
    service: Service, process: Process, page: Page
) -> None:
    me = await (await page.context.request.get(f"{service.url}/api/auth/me")).json()
    topup = await process.topup(AMOUNT, me["user_id"])
    await page.goto(f"{service.url}/wallet/topup/{topup.tx_ref}")
    await expect(page.locator(".slip")).to_have_attribute("data-connection", "live")
    code = page.get_by_role("img", name="Mã VietQR")
    checkout = page.get_by_role("link", name="Mở trang thanh toán")
    await expect(code).to_have_count(0)
    await expect(checkout).to_have_count(0)

    requests = Requests(page)
    await process.store.append_events([linked(topup.tx_ref)])
    await expect(code).to_be_visible()
    await expect(checkout).to_have_attribute("href", f"https://pay.example/{LINK}")
    await expect(page.locator(".transfer")).to_contain_text("1234567890")
    await expect(page.get_by_role("timer")).to_have_text(re.compile(r"^14:\d\d$"))
    await process.store.append_events([transfer(topup.order_code, 40_000)])
    await expect(page.locator('[data-part="due"]')).to_have_text(dong(60_000))
    assert len(requests.to(f"/wallet/topup/{topup.tx_ref}")) == 1


async def test_what_cannot_be_scanned_or_paid_is_not_offered(
    service: Service, process: Process, page: Page
) -> None:
    me = await (await page.request.get(f"{service.url}/api/auth/me")).json()
    topup = await process.topup(AMOUNT, me["user_id"])
    await page.goto(f"{service.url}/wallet/topup/{topup.tx_ref}")
    await expect(page.locator(".slip")).to_have_attribute("data-connection", "live")
    scan, left = page.get_by_text("Quét bằng ứng dụng ngân hàng"), page.get_by_role("timer")
    await expect(page.get_by_text("Chưa có mã thanh toán")).to_be_visible()
    await expect(scan).to_be_hidden()
    await expect(left).to_be_hidden()

    before = await shifted(page)
    await process.store.append_events([linked_without_code(topup.tx_ref, FOUND)])
    hint = page.get_by_text("Mã QR có ở trang thanh toán")
    checkout = page.get_by_role("link", name="Mở trang thanh toán")
    await expect(hint).to_be_visible()
    await expect(checkout).to_be_visible()
    await expect(left).to_be_visible()
    await expect(scan).to_be_hidden()

    await process.store.append_events([transfer(topup.order_code, 40_000, link=FOUND)])
    await expect(hint).to_be_hidden()
    await expect(checkout).to_be_visible()
    assert await shifted(page) == before


async def test_who_has_paid_a_part_is_led_to_the_account_and_not_to_the_whole_amount(
    service: Service, process: Process, page: Page
) -> None:
    topup = await follow(service, page)
    code = page.get_by_role("img", name="Mã VietQR")
    scan = page.get_by_text("Quét bằng ứng dụng ngân hàng")
    checkout = page.get_by_role("link", name="Mở trang thanh toán")
    for offered in (code, scan, checkout):
        await expect(offered).to_be_visible()
    await process.store.append_events([paid(topup, 40_000)])
    for reload in (False, True):
        if reload:
            await page.reload()
        await expect(page.get_by_role("status")).to_contain_text("Hãy chuyển nốt")
        for offered in (code, scan, checkout):
            await expect(offered).to_be_hidden()
        await expect(page.locator(".seal .part")).to_have_attribute(
            "stroke-dasharray", f"40000 {AMOUNT}"
        )
        await page.get_by_role("link", name="Xem cách chuyển nốt").click()
        await expect(page.locator(".transfer")).to_be_in_viewport(ratio=0.9)
        await expect(page.locator('[data-part="due"]')).to_have_text(dong(60_000))
        await expect(page.locator('[data-part="due-copy"]')).to_have_attribute("data-copy", "60000")


async def test_while_a_transfer_is_under_review_nobody_is_asked_to_pay_again(
    service: Service, process: Process, page: Page
) -> None:
    await page.clock.install()
    topup = await follow(service, page)
    await process.store.append_events(ENDS["review"](topup))
    for again in (None, lambda: page.clock.fast_forward("15:01"), page.reload):
        if again:
            await again()
        await expect(page.get_by_role("status")).to_contain_text("Khoản chuyển đang được kiểm tra")
        await expect(page.get_by_role("status")).to_contain_text("đừng chuyển lại")
        await expect(page.get_by_role("img", name="Mã VietQR")).to_be_hidden()
        for name in ("Mở trang thanh toán", "Nạp lần nữa"):
            await expect(page.get_by_role("link", name=name)).to_be_hidden()
        for name in ("Sao chép", "Huỷ lần nạp này"):
            await expect(page.get_by_role("button", name=name)).to_have_count(0)
    await page.get_by_role("link", name="Về ví").click()
    await expect(page.locator(".mark")).to_have_text("Đang kiểm tra")


async def test_a_review_outlasts_whatever_else_happens_to_the_topup(
    service: Service, process: Process, page: Page
) -> None:
    topup = await follow(service, page)
    await process.store.append_events(ENDS["review"](topup))
    status = page.get_by_role("status")
    await expect(status).to_contain_text("đừng chuyển lại")
    history = page.locator("#history")
    await history.locator("summary").click()
    for later, named in ((cancelled, "Đã huỷ"), (expired, "Hết hạn")):
        await process.store.append_events([later(topup)])
        await expect(history.locator("li").last).to_contain_text(named)
        for again in (None, page.reload):
            if again:
                await again()
                await history.locator("summary").click()
            await expect(status).to_contain_text("đừng chuyển lại")
            await expect(page.get_by_role("link", name="Nạp lần nữa")).to_be_hidden()
    await page.get_by_role("link", name="Về ví").click()
    await expect(page.locator(".mark")).to_have_text("Đang kiểm tra")


async def test_who_comes_back_sees_that_the_money_was_for_another_topup(
    service: Service, process: Process, page: Page
) -> None:
    topup = await follow(service, page)
    other = await open_topup(service, page.context)
    await process.store.append_events(ENDS["review"](topup))
    status = page.get_by_role("status")
    await expect(status).to_contain_text("đừng chuyển lại")
    requests, come_back = Requests(page), "document.dispatchEvent(new Event('visibilitychange'))"
    await page.evaluate(come_back)  # too early
    await expect(page.locator(".slip")).to_have_attribute("data-connection", "live")

    review = Review(process.database)
    [conflict] = [c for c in await review.conflicts(99) if c.tx_ref == topup["tx_ref"]]
    await review.assign(conflict.event_id, TxRef(other["tx_ref"]), "bank statement", "Lan")
    await expect(status).to_contain_text("đừng chuyển lại")
    await page.evaluate(come_back)
    await expect(status).to_contain_text("Đang chờ chuyển khoản")
    await expect(page.get_by_role("img", name="Mã VietQR")).to_be_visible()
    assert len(requests.to(f"/wallet/topup/{topup['tx_ref']}")) == 3
    await page.goto(f"{service.url}/wallet")
    await expect(page.locator(".mark")).to_have_text(["Thành công", "Đang chờ"])


async def test_without_javascript_one_is_told_to_reload_and_offered_nothing_that_needs_it(
    service: Service, process: Process, page: Page, browser: Browser
) -> None:
    topup = await follow(service, page)
    await expect(page.locator(".by-hand")).to_be_hidden()
    context = await browser.new_context(
        java_script_enabled=False, locale="vi-VN", storage_state=await page.context.storage_state()
    )
    without = await context.new_page()
    await without.goto(page.url)
    await expect(without.locator(".by-hand")).to_be_visible()
    await expect(without.locator(".by-hand")).to_contain_text("không tự cập nhật")
    for promise in (".connection", ".copy >> nth=0", ".cancel", ".left"):
        await expect(without.locator(promise)).to_be_hidden()
    await process.store.append_events([paid(topup)])
    await without.locator(".by-hand a").click()
    await expect(without.get_by_role("status")).to_contain_text(f"Đã nhận {dong(AMOUNT)}")
    await expect(without.locator(".by-hand")).to_have_count(0)
    await context.close()


async def test_the_history_is_asked_for_only_by_who_looks(
    service: Service, process: Process, page: Page
) -> None:
    topup = await follow(service, page)
    address = f"/wallet/topup/{topup['tx_ref']}"
    requests, history = Requests(page), page.locator("#history")
    await process.store.append_events([paid(topup, 40_000)])
    await expect(page.get_by_role("status")).to_contain_text("còn thiếu")
    assert requests.to(address) == []
    await history.locator("summary").click()
    await expect(history.locator("li")).to_have_count(3)
    await process.store.append_events([paid(topup, 60_000)])
    await expect(history.locator("li").last).to_contain_text(dong(60_000, signed=True))
    assert len(requests.to(address)) == 2


async def test_a_history_that_comes_late_does_not_undo_a_newer_one(
    service: Service, process: Process, page: Page
) -> None:
    topup = await follow(service, page)
    address, history = f"/wallet/topup/{topup['tx_ref']}", page.locator("#history")
    answered, late = asyncio.Event(), asyncio.Event()

    async def hold(route: Route) -> None:
        answer = await route.fetch()
        answered.set()
        await late.wait()
        await route.fulfill(response=answer)

    await process.store.append_events([paid(topup, 40_000)])
    await expect(page.get_by_role("status")).to_contain_text("còn thiếu")
    await page.route(f"**{address}", hold, times=1)
    await history.locator("summary").click()
    await answered.wait()
    async with page.expect_response(f"**{address}") as old:
        await process.store.append_events([paid(topup, 60_000)])
        await expect(page.get_by_role("status")).to_contain_text("Đã nhận")
        late.set()
    await (await old.value).finished()
    await expect(history.locator("li").last).to_contain_text(dong(60_000, signed=True))
    await expect(history.locator("li")).to_have_count(4)


async def test_what_is_on_the_screen_is_told_once(
    service: Service, process: Process, page: Page
) -> None:
    topup = await follow(service, page)
    requests = Requests(page)
    async with page.expect_response("**/api/topup/seen") as seen:
        await process.store.append_events([paid(topup)])
    assert (await seen.value).status == 204
    assert len(requests.to("/api/topup/seen")) == 1


async def test_what_arrives_is_seen_by_who_scrolled_down_and_in_the_title(
    service: Service, process: Process, page: Page
) -> None:
    await page.set_viewport_size({"width": 360, "height": 740})
    topup = await follow(service, page)
    status = page.get_by_role("status")
    await page.locator(".transfer dt").last.evaluate("message => message.scrollIntoView()")
    await expect(status).not_to_be_in_viewport()
    await process.store.append_events([paid(topup)])
    await expect(page).to_have_title(f"Đã nhận {dong(AMOUNT)} · nạp ví")
    await expect(status).to_be_in_viewport(ratio=1)


async def test_who_pays_at_another_site_comes_back_logged_in(service: Service, page: Page) -> None:
    topup = await follow(service, page)
    elsewhere = str(topup["checkout_url"]).replace("127.0.0.1", "localhost")
    await page.goto(elsewhere)
    await page.get_by_role("button", name="Trả đủ").click()
    await page.get_by_role("link", name=BACK_TO_THE_SHOP).click()
    await expect(page).to_have_url(re.compile(rf"^{service.url}/wallet/topup/{topup['tx_ref']}"))
    await expect(page.get_by_role("status")).to_contain_text(f"Đã nhận {dong(AMOUNT)}")


async def test_a_keyboard_reaches_everything_in_order(service: Service, page: Page) -> None:
    topup = await follow(service, page)
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    reached = []
    for _ in range(11):
        await page.keyboard.press("Tab")
        reached.append(await page.evaluate("document.activeElement.textContent.trim()"))
    assert [text.split("\n")[0] for text in reached] == [
        "Đến nội dung chính",
        "nạp ví",
        "English",
        "Đăng xuất",
        "Ví của tôi",
        "Mở trang thanh toán (mở trong tab mới)",
        "Sao chépĐã sao chépSố tài khoản",
        "Sao chépĐã sao chépSố tiền",
        "Sao chépĐã sao chépNội dung",
        "Huỷ lần nạp này",
        "Lịch sử lần nạp này",
    ]
    for _ in range(2):
        await page.keyboard.press("Shift+Tab")
    await page.evaluate("window.setTimeout = () => {}")  # or it is said for two seconds only
    await page.keyboard.press("Enter")
    await expect(page.locator(".copied")).to_have_count(1)
    assert topup["tx_ref"] in await page.evaluate("navigator.clipboard.readText()")

"""static/use-topup-sse.js in real React."""

import re
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import BrowserContext, Page

from tests.browser.react.packages import react_module
from tests.browser.scripted_site import (
    SECONDS_MAX,
    STATUS,
    STREAM,
    Site,
    error,
    frame,
    refuses,
    says,
    says_and_ends,
    update,
)
from tests.browser.stream_page import StreamPage

pytestmark = pytest.mark.browser

PAGE = b"""<!doctype html>
<link rel="icon" href="data:,">
<script type="importmap">{"imports": {"react": "/react.js"}}</script>
<div id="root"></div>
<script type="module">
  import { StrictMode, createElement, createRoot, useEffect } from "react";
  import { useTopupSSE } from "/static/use-topup-sse.js";

  const root = createRoot(document.querySelector("#root"));
  window.told = [];
  window.shown = {};  // nothing is rendered yet
  window.rendered = null;
  function Topup({ as, ...options }) {
    window.shown = useTopupSSE({
      ...options,
      onStatusUpdate: ({ seq }) => told.push(`${as} ${seq}`),
      onError: ({ code }) => told.push(`${as} ${code}`),
    });
    useEffect(() => { window.rendered = as });
    return createElement("p", null, shown.status?.status);
  }
  window.show = (options) =>
    root.render(createElement(StrictMode, null, options && createElement(Topup, options)));
</script>
"""
ONE, OTHER = "T00000001", "T00000002"
LOCKS = "navigator.locks.query().then(({ held, pending }) => held.length + pending.length)"
"""How many streams lead or wait to."""

README = Path(__file__).parents[2] / "README.md"
SHOW_THE_EXAMPLE = """
    async ([source, txRef]) => {
      const { createElement, createRoot } = await import("react");
      window.createElement = createElement;
      const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
      const { Topup } = await import(url);
      const root = document.body.appendChild(document.createElement("div"));
      createRoot(root).render(createElement(Topup, { txRef }));
    }
"""


def example(origin: str) -> str:
    """The component of the README, as a module without JSX: its elements hold `{…}` and spaces."""
    [source] = re.findall(r"```jsx\n(.*?)```", README.read_text("utf-8"), re.DOTALL)
    source = source.replace('"./', f'"{origin}/static/').replace("function", "export function")

    def element(match: re.Match[str]) -> str:
        children = ', " ", '.join(re.findall(r"\{(.*?)\}", match[2]))
        return f'createElement("{match[1]}", null, {children})'

    return re.sub(r"<(\w+)>(.*?)</\1>", element, source)


@pytest_asyncio.fixture(loop_scope="session", params=["18", "19"])
async def page(
    request: pytest.FixtureRequest, pytestconfig: pytest.Config, site: Site, phone: BrowserContext
) -> Page:
    """A page with one component that uses the hook, in StrictMode."""
    cache = pytestconfig.cache
    assert cache is not None
    site.files["/react.js"] = react_module(request.param, cache.mkdir("react"))
    site.files["/hook.html"] = PAGE
    page = await phone.new_page()
    await page.goto(f"http://127.0.0.1:{site.port}/hook.html")
    await page.wait_for_function("!!window.show")
    assert await page.evaluate(
        "async () => (await import('react')).React.version.split('.')[0]"
    ) == str(request.param)
    return page


async def show(page: Page, tx_ref: str = ONE, enabled: bool = True, name: str = "first") -> None:
    await page.evaluate(
        "(options) => show(options)", {"txRef": tx_ref, "enabled": enabled, "as": name}
    )


async def until(page: Page, condition: str) -> None:
    await page.wait_for_function(condition, polling=10, timeout=SECONDS_MAX * 1000)


async def test_it_shows_each_state_and_opens_one_stream_in_strict_mode(
    site: Site, page: Page
) -> None:
    site.stream.append(says(frame(1)))
    await show(page)
    await until(page, "shown.isConnected && shown.status?.seq === 1")
    (await site.only_stream()).send(frame(2, status="confirmed", final=True))
    await page.get_by_text("confirmed").wait_for()
    await until(page, "!shown.isConnected")
    assert await page.evaluate("told") == ["first 1", "first 2"]
    assert await page.evaluate("Object.keys(shown)") == ["status", "isConnected", "error"]
    assert site.asked == {STREAM: 1, STATUS: 0}


async def test_what_is_unmounted_leaves_nothing_behind(site: Site, page: Page) -> None:
    site.stream.append(says(frame(1)))
    await show(page)
    await until(page, "shown.isConnected")
    await page.evaluate("show(null)")
    await site.until(lambda: site.open_streams == [])
    await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    await page.evaluate("fetch('/')")
    assert site.asked == {STREAM: 1, STATUS: 0}


async def test_new_callbacks_are_called_by_the_same_stream(site: Site, page: Page) -> None:
    site.stream.append(says(frame(1)))
    await show(page)
    await until(page, "told.length === 1")
    await show(page, name="second")
    await until(page, "rendered === 'second'")
    (await site.only_stream()).send(frame(2))
    await until(page, "told.length === 2")
    assert await page.evaluate("told") == ["first 1", "second 2"]
    assert site.asked[STREAM] == 1


async def test_another_top_up_is_another_stream(site: Site, page: Page) -> None:
    site.stream.append(says(frame(7)))
    await show(page)
    await until(page, "shown.status?.seq === 7")
    await show(page, OTHER)
    await until(page, "shown.status === null && !shown.isConnected")
    await site.until(lambda: [stream.tx_ref for stream in site.open_streams] == [OTHER])
    site.open_streams[0].send(frame(1))
    await until(page, "shown.isConnected && shown.status?.seq === 1")


async def test_it_waits_until_it_is_enabled_and_keeps_what_it_knows(site: Site, page: Page) -> None:
    site.stream.append(says(frame(1)))
    await show(page, enabled=False)
    await until(page, "window.shown")
    await page.evaluate("fetch('/')")
    assert site.asked[STREAM] == 0
    await show(page)
    await until(page, "shown.isConnected")
    await show(page, enabled=False)
    await until(page, "!shown.isConnected && shown.status.seq === 1")
    await site.until(lambda: site.open_streams == [])


async def test_an_error_is_shown_until_the_stream_is_back(site: Site, page: Page) -> None:
    site.stream.extend([says(error("busy", 0.1)), says(frame(1))])
    clock = StreamPage(page)
    await clock.hold_the_clock()
    await show(page)
    await until(page, "shown.error?.code === 'busy' && !shown.isConnected")
    await clock.skip(3.1)
    await until(page, "shown.error === null && shown.isConnected")
    assert await page.evaluate("told") == ["first busy", "first 1"]


async def test_an_error_for_good_stays(site: Site, page: Page) -> None:
    site.stream.append(refuses(404))
    site.status.append((404, {"code": "topup_not_found"}))
    await show(page)
    await until(page, "shown.error?.code === 'topup_not_found'")
    assert await page.evaluate("told") == ["first topup_not_found"]


async def test_a_state_replaces_an_error_though_nothing_comes_live(site: Site, page: Page) -> None:
    site.stream.append(says_and_ends(error("off")))
    site.status.append((200, update(2, stream=False)))
    await show(page)
    await until(page, "shown.status?.seq === 2 && shown.error === null && !shown.isConnected")
    assert await page.evaluate("told") == ["first off", "first 2"]


async def test_what_was_told_before_it_was_disabled_is_not_told_again(
    site: Site, page: Page
) -> None:
    site.stream.append(says(frame(2, status="confirmed", final=True)))
    await show(page)
    await until(page, "told.length === 1")
    await show(page, enabled=False)
    await page.evaluate(f"navigator.locks.request('napvi?tx_ref={ONE}', () => {{}})")
    await show(page, name="second")
    await until(page, "rendered === 'second'")
    assert await page.evaluate(LOCKS) == 0
    await page.evaluate("fetch('/')")
    assert site.asked[STREAM] == 1
    assert await page.evaluate("told") == ["first 2"]
    assert await page.evaluate("shown.status.seq") == 2


async def test_the_example_of_the_readme_shows_what_polling_finds(site: Site, page: Page) -> None:
    site.stream.append(says_and_ends(error("off")))
    site.status.append((200, update(2, status="confirmed", final=True, stream=False)))
    await page.evaluate(SHOW_THE_EXAMPLE, [example(f"http://127.0.0.1:{site.port}"), ONE])
    await page.get_by_text("confirmed").wait_for()

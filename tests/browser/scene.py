"""How a StreamPage comes into each state, and what makes each event happen."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from playwright.async_api import Page

from tests.browser.scripted_site import STATUS, STREAM, Site, error, frame, refuses, says, update
from tests.browser.stream_page import LOCK, StreamPage

HOLD_THE_LOCK = """
    ([name, steal]) => new Promise((held) => navigator.locks.request(name, { steal }, () => {
      held();
      return new Promise((release) => { window.release = release });
    }).catch(() => {}))
"""
TELL_OF_TROUBLE = f"""
    new BroadcastChannel("{LOCK}").postMessage({{ connection: "reconnecting" }})
"""


@dataclass
class Scene:
    """One StreamPage alone with its site, and another tab to hold its lock."""

    site: Site
    page: StreamPage
    other: Page

    async def begin(self, **initial: object) -> None:
        await self.page.start(update(1) | initial)

    async def hold_the_lock(self, steal: bool) -> None:
        await self.other.evaluate(HOLD_THE_LOCK, [LOCK, steal])


async def follow(scene: Scene) -> None:
    await scene.hold_the_lock(False)
    await scene.begin()


async def open_(scene: Scene) -> None:
    await scene.begin()
    await scene.page.until_went("following leads opening")
    await scene.site.until_asked(STREAM, 1)


async def live(scene: Scene) -> None:
    scene.site.stream.append(says("retry: 10\n\n" + frame(1)))
    await scene.begin()
    await scene.page.until_went("opening event live")


async def retry(scene: Scene) -> None:
    await live(scene)
    (await scene.site.only_stream()).end()
    await scene.page.until_went("live broken retrying")
    await scene.site.until_asked(STREAM, 2)


async def live_again(scene: Scene) -> None:
    await retry(scene)
    (await scene.site.only_stream()).begin()
    await scene.page.until_went("retrying open live")


async def ask(scene: Scene) -> None:
    await open_(scene)
    await scene.page.skip(10)
    await scene.page.until_went("opening late asking")
    await scene.site.until_asked(STATUS, 1)


async def down(scene: Scene) -> None:
    scene.site.stream.append(refuses(503))
    scene.site.status.append((503, {"code": "database_unavailable"}))
    await scene.begin()
    await scene.page.until_went("asking asked down")


async def yield_(scene: Scene) -> None:
    scene.site.stream.append(says(frame(1) + error("superseded")))
    await scene.begin()
    await scene.page.until_went("live superseded yielded")


async def off(scene: Scene) -> None:
    await scene.begin(stream=False)
    await scene.page.until_went("opening off off")


async def come_back(scene: Scene) -> None:
    await down(scene)
    await scene.page.happens("visible")
    await scene.page.until_went("down back returning")


async def go_away(scene: Scene) -> None:
    await open_(scene)
    await scene.page.happens("pagehide")


def page_event(name: str) -> Callable[[Scene], Awaitable[None]]:
    return lambda scene: scene.page.happens(name)


def time(seconds: float) -> Callable[[Scene], Awaitable[None]]:
    return lambda scene: scene.page.skip(seconds)


def frames(text: str) -> Callable[[Scene], Awaitable[None]]:
    async def send(scene: Scene) -> None:
        (await scene.site.only_stream()).send(text)

    return send


async def begin_the_answer(scene: Scene) -> None:
    (await scene.site.only_stream()).begin()


async def end_without_a_word(scene: Scene) -> None:
    stream = await scene.site.only_stream()
    stream.begin()
    stream.end()


async def end_without_an_answer(scene: Scene) -> None:
    (await scene.site.only_stream()).end()


async def refuse(scene: Scene) -> None:
    (await scene.site.only_stream()).refuse(503)


async def turn_the_stream_on(scene: Scene) -> None:
    scene.site.status.append((200, update(1, stream=True)))
    await scene.page.skip(3)


async def hear_of_trouble_and_focus(scene: Scene) -> None:
    await scene.other.evaluate(TELL_OF_TROUBLE)
    await scene.page.until_shown("reconnecting")
    await scene.page.happens("focus")


Step = Callable[[Scene], Awaitable[object]]

WAYS: dict[str, Step] = {
    "following": follow,
    "opening": open_,
    "live": live,
    "retrying": retry,
    "asking": ask,
    "down": down,
    "yielded": yield_,
    "off": off,
    "returning": come_back,
    "away": go_away,
}
OTHER_WAYS: dict[tuple[str, str], Step] = {("live", "empty"): live_again}
CAUSES: dict[str, Step] = {
    "leads": lambda scene: scene.other.evaluate("release()"),
    "stolen": lambda scene: scene.hold_the_lock(True),
    "event": frames("event: heartbeat\ndata: {}\n\n"),
    "open": begin_the_answer,
    "broken": end_without_an_answer,
    "empty": end_without_a_word,
    "refused": refuse,
    "late": time(10),
    "silent": time(46),
    "asked": time(10),
    "due": time(60),
    "on": turn_the_stream_on,
    "back": page_event("visible"),
    "focus": page_event("focus"),
    "online": page_event("online"),
    "gone": page_event("pagehide"),
    "end": lambda scene: scene.page.close(),
    "superseded": frames(error("superseded")),
    "busy": frames(error("busy")),
    "too_many": frames(error("too_many")),
    "unavailable": frames(error("unavailable")),
    "off": frames(error("off")),
    "not_logged_in": frames(error("not_logged_in")),
}
OTHER_CAUSES: dict[tuple[str, str], Step] = {
    ("following", "focus"): hear_of_trouble_and_focus,
    ("retrying", "empty"): end_without_an_answer,
    ("away", "back"): page_event("pageshow"),
}

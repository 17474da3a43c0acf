"""Which language a reader gets: the one chosen by the switch, the browser's, or Vietnamese."""

from collections.abc import Mapping
from urllib.parse import quote, urlencode

from quart import Blueprint, Response, redirect, request
from werkzeug import Response as Redirection

from app.http.addresses import local_path
from app.texts import LANGUAGES, Texts

COOKIE = "lang"
COOKIE_SECONDS = 365 * 24 * 3600


def speak_the_language(pages: Blueprint, texts: Mapping[str, Texts], cookie_secure: bool) -> None:
    """Gives the templates of `pages` their texts as `t`, and the switch its query."""

    @pages.context_processor
    def reader() -> dict[str, object]:
        return of_reader(texts)

    @pages.before_request
    async def choose() -> Redirection | None:
        return keep_choice(cookie_secure)

    @pages.after_request
    async def vary(answer: Response) -> Response:
        answer.vary.update(["Cookie", "Accept-Language"])
        return answer


def of_reader(texts: Mapping[str, Texts]) -> dict[str, object]:
    """What a template needs: `t`, the texts, and `switch`, the query that leads to the others."""
    t = texts[_language()]
    return {"t": t, "switch": urlencode({**request.args, "lang": t("header.other_language")})}


def keep_choice(cookie_secure: bool) -> Redirection | None:
    """Where the language is chosen by this request: back to the same address, with a cookie."""
    chosen = request.args.get("lang")
    if chosen not in LANGUAGES:
        return None
    rest = urlencode({name: text for name, text in request.args.items() if name != "lang"})
    here = f"{quote(request.path)}?{rest}".removesuffix("?")
    answer = redirect(local_path(here), 303)
    answer.set_cookie(
        COOKIE,
        chosen,
        max_age=COOKIE_SECONDS,
        secure=cookie_secure,
        httponly=True,
        samesite="Lax",
    )
    return answer


def _language() -> str:
    chosen = request.cookies.get(COOKIE)
    if chosen in LANGUAGES:
        return chosen
    return request.accept_languages.best_match(LANGUAGES, LANGUAGES[0])

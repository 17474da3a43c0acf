"""The pages: login, register, wallet, top-up. They read; every change goes through the API."""

import io
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from types import MappingProxyType
from urllib.parse import urlencode

import segno
from quart import Blueprint, Response, redirect, render_template, request
from werkzeug import Response as Redirection
from werkzeug.exceptions import InternalServerError

from app.accounts.login import Login, carries_login
from app.charts import balance_chart
from app.database.store import Store
from app.errors import InvalidRequest, NotLoggedIn, Problem, TopupNotFound
from app.http.addresses import local_path
from app.http.language import speak_the_language
from app.model import EventType, Status, TopupEvent, TopupUpdate, TxRef, parse_tx_ref
from app.representations import topup_status
from app.rollout import gets_stream
from app.settings import Settings
from app.texts import Texts, clock, dong

QR_CACHE_SECONDS = 3600
QUIET_MODULES = 4  # the white edge without which many phones do not find a QR code
OUT_OF_TIME = MappingProxyType({Status.PENDING: "overdue", Status.UNDERPAID: "incomplete"})
SUGGESTED_AMOUNTS_VND = (50_000, 100_000, 200_000, 500_000)


def create_pages_blueprint(
    store: Store,
    login: Login,
    texts: Mapping[str, Texts],
    settings: Settings,
    nudge: Callable[[TxRef], None],
    hasten: Callable[[TxRef], None],
) -> Blueprint:
    """Pages for people. Whoever is not logged in is sent to /login and comes back afterwards.

    `nudge(tx_ref)`: somebody is back from PayOS, perhaps having paid; `hasten(tx_ref)`: perhaps
    having called it off. What the address says of that is not signed: a reason to ask, no answer.
    """
    pages = Blueprint("pages", __name__)
    pages.add_app_template_filter(dong)
    pages.add_app_template_filter(clock)
    speak_the_language(pages, texts, settings.cookie_secure)
    _answer_problems(pages)
    _add_account_pages(pages, login, settings)
    _add_wallet_pages(pages, store, login, settings)
    _add_topup_page(pages, store, login, settings, nudge, hasten)
    return pages


def _add_account_pages(pages: Blueprint, login: Login, settings: Settings) -> None:
    @pages.get("/")
    async def welcome() -> Redirection:
        return redirect("/wallet", 303)

    @pages.get("/login", defaults={"kind": "login"}, strict_slashes=False)
    @pages.get("/register", defaults={"kind": "register"}, strict_slashes=False)
    async def account(kind: str) -> str | Redirection:
        after = local_path(request.args.get("next"))
        try:
            await login.user()
        except NotLoggedIn:
            return await render_template("account.html", kind=kind, after=after, settings=settings)
        return redirect(after, 303)


def _add_wallet_pages(pages: Blueprint, store: Store, login: Login, settings: Settings) -> None:
    @pages.get("/wallet", strict_slashes=False)
    async def wallet() -> str:
        user = await login.user()
        contents = await store.wallet(user.user_id)
        history = await store.history(user.user_id, [t.tx_ref for t in contents.topups])
        in_conflict = [ref for ref, events in history.items() if any(map(_is_conflict, events))]
        return await render_template(
            "wallet.html",
            user=user,
            wallet=contents,
            history=history,
            under_review=await store.under_review(in_conflict) if in_conflict else set(),
            chart=balance_chart(contents.entries, datetime.now(UTC)),
        )

    @pages.get("/wallet/topup", strict_slashes=False)
    async def new_topup() -> str:
        user = await login.user()
        smallest, largest = settings.topup_amount_min_vnd, settings.topup_amount_max_vnd
        suggested = [amount for amount in SUGGESTED_AMOUNTS_VND if smallest <= amount <= largest]
        return await render_template(
            "topup_new.html", user=user, settings=settings, suggested=suggested
        )


def _add_topup_page(
    pages: Blueprint,
    store: Store,
    login: Login,
    settings: Settings,
    nudge: Callable[[TxRef], None],
    hasten: Callable[[TxRef], None],
) -> None:
    @pages.get("/wallet/topup/<tx_ref>", strict_slashes=False)
    async def watch_topup(tx_ref: str) -> str:
        user = await login.user()
        ref = parse_tx_ref(tx_ref)
        topup = await store.topup(user.user_id, ref)
        update = await store.topup_update(user.user_id, ref)
        if not update.final:
            nudge(ref)
            if request.args.get("cancel") == "true" or request.args.get("status") == "CANCELLED":
                hasten(ref)
        # An update tells the balance of its time; who opens the page later wants today's.
        update = replace(update, wallet_balance=await store.balance(user.user_id))
        return await render_template(
            "topup.html",
            user=user,
            topup=topup,
            update=update,
            history=(await store.history(user.user_id, [ref]))[ref],
            shown=topup_status(update, gets_stream(user.user_id, settings.stream)),
            sentence=live_sentence(update, update.read_at),
            seen_share=settings.stream_seen_percent / 100,
        )

    @pages.get("/wallet/topup/<tx_ref>/qr.svg")
    async def qr_code(tx_ref: str) -> Response:
        user = await login.user()
        topup = await store.topup(user.user_id, parse_tx_ref(tx_ref))
        if not topup.qr_code:
            raise TopupNotFound
        answer = Response(qr_svg(topup.qr_code), mimetype="image/svg+xml")
        answer.headers["Cache-Control"] = f"private, max-age={QR_CACHE_SECONDS}"
        return answer


def _is_conflict(event: TopupEvent) -> bool:
    return event.type == EventType.PAYMENT_CONFLICT


def live_sentence(update: TopupUpdate, now: datetime) -> str:
    """Which sentence of the table `live` fits; static/topup-slip.js decides in the same way."""
    if update.late and update.amount_paid > 0:
        return "late"
    if update.under_review:
        return "review"
    if now >= update.expires_at:
        return OUT_OF_TIME.get(update.status, update.status.value)
    return "waiting" if update.status is Status.PENDING else update.status.value


def qr_svg(text: str) -> bytes:
    """A QR code that scales: black on white in both themes, because scanners expect it."""
    svg = io.BytesIO()
    segno.make_qr(text).save(
        svg, kind="svg", border=QUIET_MODULES, dark="#000", light="#fff", omitsize=True
    )
    return svg.getvalue()


def _answer_problems(pages: Blueprint) -> None:
    async def problem_page(sentence: str) -> str:
        return await render_template("problem.html", sentence=sentence, logged_in=carries_login())

    @pages.errorhandler(NotLoggedIn)
    async def to_login(_: NotLoggedIn) -> Redirection:
        return redirect("/login?" + urlencode({"next": request.path}), 303)

    @pages.errorhandler(Problem)
    async def explain(problem: Problem) -> tuple[str, int]:
        missing = isinstance(problem, InvalidRequest | TopupNotFound)
        body = await problem_page("missing" if missing else "away")
        return body, 404 if missing else problem.http_status

    @pages.errorhandler(500)
    async def apologise(_: InternalServerError) -> tuple[str, int]:
        return await problem_page("away"), 500

    @pages.after_request
    async def keep_private(answer: Response) -> Response:
        answer.headers.setdefault("Cache-Control", "private, no-store")
        return answer

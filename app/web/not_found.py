"""An address that is not there: a page for who reads, a problem document for what calls."""

from collections.abc import Mapping

from quart import Blueprint, Response, has_request_context, render_template, request
from werkzeug import Response as Redirection
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound

from app.accounts.login import carries_login
from app.http.language import keep_choice, of_reader
from app.http.request_rules import refusal
from app.texts import Texts

FOR_PROGRAMS = ("/api/", "/metrics", "/healthz", "/readyz", "/openapi.json")
KINDS = ("application/problem+json", "text/html")


def create_not_found_blueprint(texts: Mapping[str, Texts], cookie_secure: bool) -> Blueprint:
    """No routes: what becomes of 404 and 405 where no route has its own answer."""
    not_found = Blueprint("not_found", __name__)

    @not_found.app_errorhandler(NotFound)
    @not_found.app_errorhandler(MethodNotAllowed)
    async def explain(error: HTTPException) -> Response | Redirection:
        answer = await refusal(error)
        if not _is_read_by_a_person():
            return answer
        if chosen := keep_choice(cookie_secure):
            return chosen
        shown = {"sentence": "missing", "logged_in": carries_login(), **of_reader(texts)}
        page = await render_template("problem.html", **shown)
        answer.set_data(page)
        answer.content_type = "text/html; charset=utf-8"
        return answer

    return not_found


def _is_read_by_a_person() -> bool:
    """A browser asks for HTML by name; who takes anything gets what programs get."""
    return (
        has_request_context()  # not a WebSocket
        and not request.path.startswith(FOR_PROGRAMS)
        and request.accept_mimetypes.best_match(KINDS) == "text/html"
    )

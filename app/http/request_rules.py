"""What every request has to obey before a handler sees it, and how a refusal is answered.

A write under /api/ comes from our own pages. A form of another site cannot send application/json;
a script of another site has to ask first, and we never say yes: there are no CORS headers.
"""

import asyncio
import json
from http import HTTPStatus
from types import MappingProxyType
from typing import Any

from pydantic import ValidationError
from quart import Quart, Request, Response, request
from quart_schema import RequestSchemaValidationError
from werkzeug import exceptions as http

from app.errors import (
    BodyTooLarge,
    CrossSiteRequest,
    InvalidRequest,
    MethodNotAllowed,
    NotFound,
    NotLoggedIn,
    Problem,
    RequestTooSlow,
    WrongContentType,
)
from app.settings import Settings

WEBHOOK_PATH = "/api/payos/webhook"
"""Called by PayOS, so neither same-origin nor cookies; its signature is its proof."""

TAKEN = "napvi.taken"
"""In the `state` of the scope of a request whose body was read below Quart: why it is refused, or
None."""

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

PROBLEM_OF_STATUS = MappingProxyType[int, type[Problem]](
    {
        HTTPStatus.UNAUTHORIZED: NotLoggedIn,
        HTTPStatus.NOT_FOUND: NotFound,
        HTTPStatus.METHOD_NOT_ALLOWED: MethodNotAllowed,
        HTTPStatus.REQUEST_TIMEOUT: RequestTooSlow,
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE: BodyTooLarge,
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE: WrongContentType,
    }
)
"""Refusals of Quart and its extensions; any other 4xx counts as 400, as RFC 9110 has it."""


class JsonRequest(Request):
    """Quart answers 500 to JSON that is not UTF-8 or is nested a thousand deep."""

    async def get_json(self, force: bool = False, silent: bool = False, cache: bool = True) -> Any:
        """The body. Raises InvalidRequest when it is not JSON."""
        try:
            return await super().get_json(force, silent, cache)
        except (http.BadRequest, UnicodeDecodeError, RecursionError):
            raise InvalidRequest("The body is not JSON.", {"body": "must be JSON"}) from None


def install_request_rules(app: Quart, settings: Settings) -> None:
    """Holds every request of `app` to the rules, and answers every error with a problem."""

    async def check() -> None:
        if TAKEN not in request.scope.get("state", {}):
            await _check(settings)

    async def keep_private(response: Response) -> Response:
        if request.path.startswith("/api/"):
            response.headers.setdefault("Cache-Control", "private, no-store")
        return response

    app.request_class = JsonRequest
    app.config["BODY_TIMEOUT"] = settings.request_body_seconds_max
    app.config["RESPONSE_TIMEOUT"] = settings.answer_seconds_max
    app.before_request(check)
    app.after_request(keep_private)
    app.register_error_handler(Problem, refusal)
    app.register_error_handler(http.HTTPException, refusal)


async def _check(settings: Settings) -> None:
    """Raises what the rules say of this request; after it, its body is here."""
    is_webhook = request.path == WEBHOOK_PATH
    # First, also of what is refused: a body that is not read costs its connection.
    await read_body(
        settings.webhook_body_bytes_max if is_webhook else settings.request_body_bytes_max
    )
    if not is_webhook and is_write_of_ours():
        refuse_cross_site()


def rules_refuse(path: str, method: str) -> tuple[type[Problem], ...]:
    """What may become of a request to a route, before the route sees it."""
    every = (BodyTooLarge, RequestTooSlow)
    if path == WEBHOOK_PATH or method in SAFE_METHODS:
        return every
    return (*every, CrossSiteRequest, WrongContentType)


def is_write_of_ours() -> bool:
    """Whether this request would change something for whoever is logged in."""
    if request.routing_exception is not None:  # then the answer is 404 or 405, whatever comes
        return False
    return request.path.startswith("/api/") and request.method not in SAFE_METHODS


def refuse_cross_site() -> None:
    """Raises CrossSiteRequest, WrongContentType when this request is not from our own pages."""
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    if site is not None:
        allowed = site in {"same-origin", "none"}
    else:  # a browser from before 2023, or no browser
        allowed = origin is None or origin in {f"https://{request.host}", f"http://{request.host}"}
    if not allowed:
        raise CrossSiteRequest
    if request.mimetype != "application/json":
        raise WrongContentType


async def read_body(bytes_max: int) -> None:
    """Takes the whole body in, for handlers to read. Raises BodyTooLarge, RequestTooSlow.

    Not left to MAX_CONTENT_LENGTH: it is one limit for all addresses, and Quart 0.23 counts a
    chunked body only once all of it is in memory.
    """
    if (request.content_length or 0) > bytes_max:
        raise BodyTooLarge
    received = bytearray()
    try:
        async with asyncio.timeout(request.body_timeout):
            async for chunk in request.body:
                received += chunk
                if len(received) > bytes_max:
                    raise BodyTooLarge
    except TimeoutError:
        raise RequestTooSlow from None
    request.body = request.body_class(None, None)
    request.body.set_result(bytes(received))


def problem_of(error: Exception) -> Problem:
    """What a client is told about `error`; nothing but the title when the fault is ours."""
    match error:
        case Problem():
            return error
        case RequestSchemaValidationError(validation_error=ValidationError() as faults):
            return InvalidRequest("Some fields are missing or wrong.", _fields(faults))
        case http.HTTPException(code=int(status)) if status < 500:
            return PROBLEM_OF_STATUS.get(status, InvalidRequest)()
        case _:
            return Problem()


async def refusal(error: Exception) -> Response:
    """The answer to a request that ended with `error`."""
    response = problem_response(problem_of(error))
    if isinstance(error, http.MethodNotAllowed):
        response.allow.update(error.valid_methods or ())
    return response


def problem_response(problem: Problem) -> Response:
    """`problem` as application/problem+json (RFC 9457)."""
    headers = {"Cache-Control": "no-store"}
    if problem.retry_after_seconds is not None:
        headers["Retry-After"] = str(problem.retry_after_seconds)
    return Response(
        json.dumps(problem.document()),
        problem.http_status,
        headers,
        content_type="application/problem+json",
    )


def _fields(faults: ValidationError) -> dict[str, str]:
    """Where each fault is and what it is, without the value: it may be a password."""
    return {
        ".".join(str(part) for part in fault["loc"]) or "body": fault["msg"]
        for fault in faults.errors(include_url=False, include_context=False, include_input=False)
    }

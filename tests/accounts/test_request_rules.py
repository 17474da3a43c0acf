"""What is refused before a handler runs, and how."""

import json
import logging
import secrets
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError
from quart_auth import Unauthorized
from quart_schema import RequestSchemaValidationError
from werkzeug import exceptions as http

from app.errors import InvalidRequest, NotLoggedIn, TopupNotFound
from app.http.request_rules import WEBHOOK_PATH, problem_of
from tests.accounts.browser import ANNA, Browser
from tests.accounts.conftest import MakeApp

JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def database_url(shared_database_url: str) -> str:
    """Most is refused before the database is asked."""
    return shared_database_url


def somebody() -> dict[str, str]:
    """An account of a name that nobody has."""
    return {**ANNA, "username": f"anna-{secrets.token_hex(8)}"}


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 201),
        ({"Sec-Fetch-Site": "same-origin"}, 201),
        ({"Sec-Fetch-Site": "none"}, 201),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "https://rewritten-by-a-proxy"}, 201),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": ""}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "https://localhost"}, 403),
        ({"Origin": "https://localhost"}, 201),
        ({"Origin": "http://localhost"}, 201),
        ({"Origin": "https://localhost:8443"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "https://localhost.evil.example"}, 403),
        ({"Origin": "https://evil.example/localhost"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": ""}, 403),
    ],
)
async def test_a_write_from_another_site_is_refused(
    browser: Browser, headers: dict[str, str], status: int
) -> None:
    response = await browser.post("/api/auth/register", somebody(), headers=headers)

    assert response.status_code == status
    if status == 403:
        assert (await response.get_json())["code"] == "cross_site_request"


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("application/json", 201),
        ("application/json; charset=utf-8", 201),
        ("Application/JSON", 201),
        ("application/x-www-form-urlencoded", 415),
        ("multipart/form-data; boundary=x", 415),
        ("text/plain", 415),
        ("text/plain; application/json", 415),
        ("application/problem+json", 415),
        ("", 415),
        (None, 415),
    ],
)
async def test_a_write_has_to_be_json(
    browser: Browser, content_type: str | None, status: int
) -> None:
    headers = {} if content_type is None else {"Content-Type": content_type}

    response = await browser.post(
        "/api/auth/register", data=json.dumps(somebody()), headers=headers
    )

    assert response.status_code == status
    if status == 415:
        assert (await response.get_json())["code"] == "wrong_content_type"


async def test_a_logout_from_another_site_is_refused(browser: Browser) -> None:
    await browser.register(somebody())

    forged = await browser.post("/api/auth/logout", data="", headers={"Origin": "https://evil.vn"})

    assert forged.status_code == 403
    assert (await browser.me()).status_code == 200


async def test_reads_and_the_webhook_are_open_to_other_sites(browser: Browser) -> None:
    foreign = {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}

    read = await browser.client.get("/api/auth/me", headers=foreign)
    webhook = await browser.post(WEBHOOK_PATH, data=b"{}", headers=foreign)

    assert (read.status_code, webhook.status_code) == (401, 200)


async def test_no_answer_invites_other_sites(browser: Browser) -> None:
    foreign = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}

    preflight = await browser.client.options("/api/auth/login", headers=foreign)
    refusal = await browser.post("/api/auth/login", somebody(), headers=foreign)
    read = await browser.client.get("/api/auth/me", headers=foreign)

    for response in (preflight, refusal, read):
        assert not [name for name, _ in response.headers if name.startswith("Access-Control-")]


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        (b"", ["body"]),
        (b"{", ["body"]),
        (b"\xff\xfe", ["body"]),
        (b"[" * 15_000, ["body"]),
        (b'{"username": ' + b"9" * 5_000 + b"}", ["body"]),
        (b"null", ["body"]),
        (b"[]", ["body"]),
        (b'"anna"', ["body"]),
        (b"{}", ["password", "username"]),
        (b'{"username": "anna"}', ["password"]),
        (b'{"username": 1, "password": 12345678}', ["password", "username"]),
        (b'{"username": null, "password": null}', ["password", "username"]),
        (b'{"username": ["anna"], "password": {"a": 1}}', ["password", "username"]),
        (b'{"username": true, "password": NaN}', ["password", "username"]),
        (b'{"username": "anna", "password": "long enough\\ud800"}', ["password"]),
        (b'{"username": "ann\\ud800", "password": "long enough"}', ["username"]),
    ],
)
@pytest.mark.parametrize("path", ["/api/auth/register", "/api/auth/login"])
async def test_a_body_that_makes_no_sense_is_refused_by_field(
    browser: Browser, path: str, body: bytes, fields: list[str]
) -> None:
    response = await browser.post(path, data=body, headers=JSON)

    assert response.status_code == 400
    assert response.content_type == "application/problem+json"
    document = await response.get_json()
    assert document["code"] == "invalid_request"
    assert sorted(fault["field"] for fault in document["errors"]) == fields
    assert "12345678" not in json.dumps(document)


@pytest.mark.parametrize(
    ("path", "bytes_max", "status"),
    [("/api/auth/login", 16 * 1024, 401), (WEBHOOK_PATH, 64 * 1024, 200)],
)
@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_above_the_limit_of_its_address_is_refused(
    browser: Browser, path: str, bytes_max: int, status: int, chunked: bool
) -> None:
    body = json.dumps(somebody()).encode().ljust(bytes_max)

    assert await _status_of(browser, path, body, chunked) == status
    assert await _status_of(browser, path, body + b" ", chunked) == 413


async def _status_of(browser: Browser, path: str, body: bytes, chunked: bool) -> int:
    headers = JSON if chunked else {**JSON, "Content-Length": str(len(body))}
    request = browser.client.request(path, method="POST", headers=headers, scheme="https")
    async with request as connection:
        for start in range(0, len(body), 1000):
            await connection.send(body[start : start + 1000])
        await connection.send_complete()
    return (await connection.as_response()).status_code


@pytest.mark.parametrize("method", ["POST", "GET"])
async def test_a_body_without_end_is_refused_as_soon_as_it_is_too_long(
    browser: Browser, method: str
) -> None:
    request = browser.client.request("/api/auth/me", method=method, headers=JSON)
    async with request as connection:
        for _ in range(17):
            await connection.send(b"x" * 1024)
        document = json.loads(await connection.receive())
        await connection.disconnect()

    assert document["code"] == "body_too_large"


async def test_a_body_that_is_announced_as_too_long_is_not_waited_for(browser: Browser) -> None:
    headers = {**JSON, "Content-Length": str(16 * 1024 + 1)}
    request = browser.client.request("/api/auth/login", method="POST", headers=headers)
    async with request as connection:
        document = json.loads(await connection.receive())
        await connection.disconnect()

    assert document["code"] == "body_too_large"


async def test_a_body_that_does_not_come_is_given_up(make_app: MakeApp) -> None:
    client = make_app(request_body_seconds_max=0.01).test_client()
    async with client.request("/api/auth/login", method="POST", headers=JSON) as connection:
        await connection.send(b"{")
        document = json.loads(await connection.receive())
        await connection.disconnect()

    assert document["code"] == "request_too_slow"


async def test_an_unknown_address_is_a_problem(browser: Browser) -> None:
    response = await browser.get("/api/nothing")

    assert response.status_code == 404
    assert response.content_type == "application/problem+json"
    assert (await response.get_json())["code"] == "not_found"


async def test_a_wrong_method_is_told_the_right_ones(browser: Browser) -> None:
    response = await browser.get("/api/auth/login")

    assert response.status_code == 405
    assert (await response.get_json())["code"] == "method_not_allowed"
    assert {*response.allow} == {"POST", "OPTIONS"}


async def test_a_fault_of_ours_is_logged_and_told_to_nobody(
    browser: Browser, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        response = await browser.get("/api/broken")

    assert response.status_code == 500
    assert (await response.get_json())["code"] == "internal"
    assert b"s3cret" not in await response.get_data()
    assert "s3cret" in caplog.text


class Amount(BaseModel):
    amount: int


def _schema_error(**values: Any) -> RequestSchemaValidationError:
    with pytest.raises(ValidationError) as refused:
        Amount.model_validate(values)
    return RequestSchemaValidationError(refused.value)


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (TopupNotFound(), 404, "topup_not_found"),
        (Unauthorized(), 401, "not_logged_in"),
        (http.BadRequest(), 400, "invalid_request"),
        (http.NotFound(), 404, "not_found"),
        (http.MethodNotAllowed(), 405, "method_not_allowed"),
        (http.RequestTimeout(), 408, "request_too_slow"),
        (http.RequestEntityTooLarge(), 413, "body_too_large"),
        (http.UnsupportedMediaType(), 415, "wrong_content_type"),
        (http.RequestedRangeNotSatisfiable(), 400, "invalid_request"),
        (RequestSchemaValidationError(TypeError("no such argument")), 400, "invalid_request"),
        (http.InternalServerError(), 500, "internal"),
        (http.ServiceUnavailable(), 500, "internal"),
        (RuntimeError("s3cret"), 500, "internal"),
    ],
)
def test_every_error_has_its_problem(error: Exception, status: int, code: str) -> None:
    problem = problem_of(error)

    assert (problem.http_status, problem.code, problem.detail) == (status, code, None)


def test_a_problem_of_a_schema_names_fields_and_not_values() -> None:
    problem = problem_of(_schema_error(amount="s3cret"))

    assert isinstance(problem, InvalidRequest)
    assert list(problem.fields) == ["amount"]
    assert "s3cret" not in json.dumps(problem.document())


def test_a_problem_that_is_one_already_stays_as_it_is() -> None:
    problem = NotLoggedIn("Session over.")

    assert problem_of(problem) is problem

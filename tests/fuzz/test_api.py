"""schemathesis and /openapi.json, over HTTP: whatever is asked, the document tells the answer."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
import requests
import schemathesis
from hypothesis import settings
from schemathesis import BaseSchema

from app.http.request_rules import WEBHOOK_PATH
from app.stream.frames import HEADERS
from tests.fuzz.caller import Caller, operations
from tests.fuzz.visitors import PATIENCE_SECONDS, Payer, connection, pay
from tests.services import PayOS, Service
from tests.web.test_bad_input import PAGES, TAKES_JSON, TAKES_NOTHING, TAKES_TX_REF
from tests.web.webhooks import signed, transfer_data

pytestmark = [pytest.mark.processes, pytest.mark.timeout(3600)]

STATUS_PATH, STREAM_PATH = "/api/topup/status", "/api/topup/stream"


@pytest.fixture
def api(service: Service) -> BaseSchema:
    url = f"{service.url}/openapi.json"
    document = httpx.get(url, trust_env=False, timeout=PATIENCE_SECONDS).json()
    return schemathesis.openapi.from_dict(document)


@pytest.fixture
def session() -> Iterator[requests.Session]:
    with connection() as session:
        yield session


@pytest.fixture
def payer(service: Service) -> Payer:
    payer = Payer(service.url)
    payer.register()
    return payer


def test_every_answer_to_a_stranger_is_documented(
    service: Service,
    api: BaseSchema,
    effort: settings,
    session: requests.Session,
    subtests: pytest.Subtests,
) -> None:
    caller = Caller(service.url, session)
    caller.try_every_operation(api, effort, subtests)
    assert {label for label, _ in caller.answered} == {found.label for found in operations(api)}


def test_every_answer_to_a_payer_is_documented(
    service: Service,
    api: BaseSchema,
    effort: settings,
    session: requests.Session,
    payer: Payer,
    subtests: pytest.Subtests,
) -> None:
    caller = Caller(service.url, session, payer)
    caller.try_every_operation(api, effort, subtests)
    assert {label for label, _ in caller.answered} == {found.label for found in operations(api)}


def test_every_success_is_documented(
    service: Service, simulator: PayOS, api: BaseSchema, session: requests.Session, payer: Payer
) -> None:
    caller, topup = Caller(service.url, session, payer), payer.topup()
    pay(simulator, topup)  # and so its stream ends
    tx_ref = {"tx_ref": topup["tx_ref"]}
    for method, path, parts in successes(payer, tx_ref):
        caller.call(api[path][method].Case(**parts))
    documented = {
        (operation.label, status)
        for operation in operations(api)
        for status in operation.responses.status_codes
        if status.startswith("2")
    }
    assert caller.answered == documented


def successes(payer: Payer, tx_ref: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    """For every success that is documented, a request that has it."""
    newcomer = payer.account | {"username": "newcomer"}
    transfer = json.loads(signed(transfer_data(999)))
    return [
        ("GET", "/healthz", {}),
        ("GET", "/readyz", {}),
        ("GET", "/api/auth/me", {}),
        ("GET", "/api/wallet", {}),
        ("GET", STATUS_PATH, {"query": tx_ref}),
        ("GET", STREAM_PATH, {"query": tx_ref}),
        ("GET", STREAM_PATH, {"query": tx_ref, "headers": {"Last-Event-ID": "3"}}),
        ("POST", "/api/topup/init", {"body": {"amount": 50_000}}),
        ("POST", "/api/topup/cancel", {"body": tx_ref}),
        ("POST", "/api/topup/seen", {"body": {"recorded_at": datetime.now(UTC).isoformat()}}),
        ("POST", WEBHOOK_PATH, {"body": transfer}),
        ("POST", "/api/auth/login", {"body": payer.account}),
        ("POST", "/api/auth/register", {"body": newcomer}),
        ("POST", "/api/auth/logout", {"body": {}}),
    ]


def test_a_stream_that_stays_open_begins_as_documented(
    service: Service, api: BaseSchema, session: requests.Session, payer: Payer
) -> None:
    tx_ref = {"tx_ref": str(payer.topup()["tx_ref"])}
    with session.get(
        service.url + STREAM_PATH,
        params=tx_ref,
        cookies=payer.cookies,
        stream=True,
        timeout=PATIENCE_SECONDS,
    ) as answer:
        assert (answer.status_code, answer.headers["Content-Type"]) == (
            200,
            HEADERS["Content-Type"],
        )
        documented = api[STREAM_PATH]["GET"].definition.raw["responses"]["200"]["content"]
        assert list(documented) == ["text/event-stream"]


def test_every_route_of_the_api_is_documented(api: BaseSchema) -> None:
    """Those of a browser are in test_bad_input.py, where no route can be forgotten."""
    aside = {"/metrics", "/openapi.json", "/static/<path:filename>", *PAGES}
    routes = {*TAKES_JSON, *TAKES_TX_REF, *TAKES_NOTHING, WEBHOOK_PATH} - aside
    assert {operation.path for operation in operations(api)} == routes

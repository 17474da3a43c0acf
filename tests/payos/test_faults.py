"""Each fault of the simulator does what its sentence says, over real HTTP."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import payos
import pytest

from app.errors import InvalidRequest, InvalidSignature
from app.payos.signature import sign_create_link
from app.payos.simulator import Simulator, create_simulator
from app.payos.simulator.cashier import PAYMENTS
from app.payos.simulator.delivery import Courier
from app.payos.simulator.faults import FAULTS, OF_A_PAYMENT, Fault, Pace, Place, read_rates
from app.payos.simulator.plan import Plan
from app.payos.simulator.routes import ROUTES
from app.processes import REFUSED
from tests.payos.recording_shop import RecordingShop, reading
from tests.payos.wire import API_KEY, CHECKSUM_KEY, CLIENT_ID, CREDENTIALS, link_request
from tests.services import SECONDS_MAX, Process, Service, environment_on
from tests.web.line import eventually

PACE = Pace(
    slow_seconds=0.2,
    hang_seconds=30,
    delay_seconds=30,
    hold_seconds_max=30,
    retry_seconds=(0.01,) * 5,
)
DELAY_SECONDS = 0.1


@dataclass
class Stage:
    """A simulator that tells `shop`, and who calls it: a browser and the official SDK."""

    url: str
    simulator: Simulator
    shop: RecordingShop
    browser: httpx.AsyncClient
    sdk: payos.AsyncPayOS

    async def link(self, order_code: int = 5001) -> None:
        await self.sdk.payment_requests.create(link_request(order_code=order_code))

    async def pay(self, order_code: int = 5001, **body: object) -> dict[str, Any]:
        answer = await self.browser.post(f"/simulator/links/{order_code}/pay", json=body)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def told(self, **body: Any) -> list[bytes]:
        """All webhooks of a new link that is paid."""
        await self.link()
        await self.pay(**body)
        await self.simulator.courier.settle()
        return self.shop.bodies

    async def expect(self, *faults: Fault) -> None:
        answer = await self.browser.put("/simulator/faults", json={"next": faults})
        assert answer.status_code == 200, answer.text

    async def references_listed(self) -> list[str]:
        link = await self.sdk.payment_requests.get(5001)
        return [transaction.reference for transaction in link.transactions]


@pytest.fixture
async def stage(serve: Callable[[Any], Awaitable[str]]) -> AsyncIterator[Stage]:
    shop = RecordingShop()
    webhook_url = await serve(shop.application()) + "/webhook"
    simulator = create_simulator(
        CLIENT_ID, API_KEY, CHECKSUM_KEY, webhook_url=webhook_url, pace=PACE
    )
    url = await serve(simulator)
    async with (
        httpx.AsyncClient(base_url=url, timeout=SECONDS_MAX) as browser,
        payos.AsyncPayOS(
            CLIENT_ID, API_KEY, CHECKSUM_KEY, base_url=url, timeout=SECONDS_MAX, max_retries=0
        ) as sdk,
    ):
        yield Stage(url, simulator, shop, browser, sdk)


async def test_duplicate_sends_the_same_bytes_twice(stage: Stage) -> None:
    one, other = await stage.told(fault="duplicate")
    assert one == other


async def test_parallel_sends_the_same_bytes_five_times_at_once(stage: Stage) -> None:
    stage.shop.together = 5  # or none would be answered
    bodies = await stage.told(fault="parallel")
    assert len(bodies) == 5
    assert len(set(bodies)) == 1


async def test_reorder_lets_the_next_webhook_pass(stage: Stage) -> None:
    await stage.link(1)
    await stage.link(2)
    told = await stage.pay(1, fault="reorder")
    assert told["complaint"] == "the webhook is on its way"
    await stage.pay(2)
    codes = [reading(body).fact.data["order_code"] for body in await stage.shop.got(2)]
    assert codes == [2, 1]


async def test_reorder_does_not_wait_for_ever(stage: Stage) -> None:
    await stage.link()
    (order,) = stage.simulator.orders
    courier = Courier(CHECKSUM_KEY, stage.simulator.courier.url, pace=Pace(hold_seconds_max=0.1))
    await courier.tell(order, order.receive(50_000), Fault.REORDER)
    await courier.settle()
    await courier.close()
    assert len(stage.shop.bodies) == 1


async def test_delay_is_no_answer_to_the_payment(stage: Stage) -> None:
    await stage.link()
    assert not (await stage.pay(fault="delay"))["delivered"]
    assert stage.shop.bodies == []


async def test_delay_sends_later(stage: Stage) -> None:
    await stage.link()
    (order,) = stage.simulator.orders
    courier = Courier(
        CHECKSUM_KEY, stage.simulator.courier.url, pace=Pace(delay_seconds=DELAY_SECONDS)
    )
    started = time.monotonic()
    await courier.tell(order, order.receive(50_000), Fault.DELAY)
    await stage.shop.got(1)
    assert time.monotonic() - started >= DELAY_SECONDS
    await courier.close()


async def test_drop_sends_nothing_and_the_bank_has_the_money(stage: Stage) -> None:
    assert await stage.told(fault="drop") == []
    assert (await stage.sdk.payment_requests.get(5001)).status == "PAID"


async def test_wrong_signature_is_followed_by_the_right_one(stage: Stage) -> None:
    stage.shop.answers.append(401)
    forged, right = await stage.told(fault="wrong-signature")
    with pytest.raises(InvalidSignature):
        reading(forged)
    assert json.loads(forged)["data"] == json.loads(right)["data"]
    assert reading(right).fact.data["amount"] == 50_000


async def test_new_field_is_signed_and_known_to_nobody(stage: Stage) -> None:
    (body,) = await stage.told(fault="new-field")
    assert len(json.loads(body)["data"]) == 17
    with pytest.raises(payos.WebhookError):
        await stage.sdk.webhooks.verify(body)
    assert reading(body).fact.data["amount"] == 50_000


async def test_missing_field_is_a_signed_webhook_without_the_payer(stage: Stage) -> None:
    (body,) = await stage.told(fault="missing-field")
    assert len(json.loads(body)["data"]) == 10
    assert reading(body).fact.data["amount"] == 50_000


async def test_missing_reference_is_a_signed_webhook_that_get_tells_the_reference_of(
    stage: Stage,
) -> None:
    (body,) = await stage.told(fault="missing-reference")
    assert "reference" not in json.loads(body)["data"]
    assert reading(body).fact.data["unmatchable"] == "reference.missing"
    [reference] = await stage.references_listed()
    assert reference


async def test_other_amount_comes_second_under_the_same_event_id(stage: Stage) -> None:
    facts = [reading(body).fact for body in await stage.told(fault="other-amount")]
    assert [fact.data["amount"] for fact in facts] == [50_000, 51_000]
    assert facts[0].event_id == facts[1].event_id
    assert (await stage.sdk.payment_requests.get(5001)).amount_paid == 50_000


async def test_retry_sends_again_until_the_shop_takes_it(stage: Stage) -> None:
    stage.shop.answers.extend([503, 500])
    bodies = await stage.told(fault="retry")
    assert len(bodies) == 3
    assert len(set(bodies)) == 1


async def test_retry_gives_up_after_five_times(stage: Stage) -> None:
    stage.shop.answers.extend([503] * 20)
    assert len(await stage.told(fault="retry")) == 1 + 5


async def test_without_retry_nothing_is_sent_again(stage: Stage) -> None:
    stage.shop.answers.append(503)
    assert len(await stage.told()) == 1


async def test_partial_is_half_of_the_money(stage: Stage) -> None:
    (body,) = await stage.told(fault="partial")
    assert reading(body).fact.data["amount"] == 25_000
    assert (await stage.sdk.payment_requests.get(5001)).status == "UNDERPAID"


async def test_over_is_more_than_was_asked_for(stage: Stage) -> None:
    (body,) = await stage.told(fault="over")
    assert reading(body).fact.data["amount"] == 60_000


async def test_late_is_money_for_a_link_that_has_expired(stage: Stage) -> None:
    await stage.link()
    await stage.pay(amount=20_000, fault="late")
    link = await stage.sdk.payment_requests.get(5001)
    assert (link.status, link.amount_paid) == ("EXPIRED", 20_000)


async def test_after_cancel_is_money_for_a_cancelled_link(stage: Stage) -> None:
    (body,) = await stage.told(fault="after-cancel")
    assert reading(body).fact.data["amount"] == 50_000
    assert (await stage.sdk.payment_requests.get(5001)).status == "CANCELLED"


async def test_other_reference_is_what_get_lists_every_time(stage: Stage) -> None:
    (body,) = await stage.told(fault="other-reference")
    listed = await stage.references_listed()
    assert listed == await stage.references_listed()
    assert listed != [reading(body).fact.data["reference"]]


async def test_without_a_fault_get_lists_the_reference_of_the_webhook(stage: Stage) -> None:
    (body,) = await stage.told()
    assert await stage.references_listed() == [reading(body).fact.data["reference"]]


async def test_slow_create_makes_the_link_at_once_and_answers_later(stage: Stage) -> None:
    await stage.expect(Fault.SLOW_CREATE)
    started = time.monotonic()
    creating = asyncio.create_task(stage.link())
    while not (found := list(stage.simulator.orders)):  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    assert found[0].order_code == 5001
    assert not creating.done()
    await creating
    assert time.monotonic() - started >= PACE.slow_seconds


async def test_no_answer_leaves_a_link_that_can_be_found(stage: Stage) -> None:
    await stage.expect(Fault.NO_ANSWER)
    async with given_up(stage):
        await eventually(lambda: list(stage.simulator.orders) != [])
        assert (await stage.sdk.payment_requests.get(5001)).status == "PENDING"


async def test_hang_leaves_no_link(stage: Stage) -> None:
    await stage.expect(Fault.HANG)
    async with given_up(stage):
        await eventually(lambda: stage.simulator.plan.drawn[Fault.HANG] == 1)
        with pytest.raises(payos.APIError):
            await stage.sdk.payment_requests.get(5001)
    await stage.link()


async def test_webhook_first_is_told_before_create_answers(stage: Stage) -> None:
    await stage.expect(Fault.WEBHOOK_FIRST)
    stage.shop.together = 2  # so the first one is not answered
    creating = asyncio.create_task(stage.sdk.payment_requests.create(link_request()))
    (body,) = await stage.shop.got(1)
    assert not creating.done()
    await stage.browser.post("/simulator/links/5001/resend")
    assert (await creating).status == "PAID"
    assert reading(body).fact.data["amount"] == 50_000


async def test_code_taken_is_code_231_and_no_link(stage: Stage) -> None:
    await stage.expect(Fault.CODE_TAKEN)
    with pytest.raises(payos.APIError) as refusal:
        await stage.link()
    assert refusal.value.error_code == "231"
    await stage.link()


@pytest.mark.parametrize(
    ("fault", "status"),
    [(Fault.CODE_TAKEN_PAID, "PAID"), (Fault.CODE_TAKEN_PENDING, "PENDING")],
)
async def test_a_code_that_somebody_else_has_is_code_231_and_his_order_is_found(
    stage: Stage, fault: Fault, status: str
) -> None:
    await stage.expect(fault)
    with pytest.raises(payos.APIError) as refusal:
        await stage.link()
    assert refusal.value.error_code == "231"
    found = await stage.sdk.payment_requests.get(5001)
    assert (found.status, found.amount) == (status, 50_000)
    assert datetime.fromisoformat(found.created_at) < datetime.now(UTC) - timedelta(hours=23)
    assert not any("T1234ABCD" in paid.description for paid in found.transactions)
    await stage.link(5002)


async def test_html_has_status_200_and_no_link(stage: Stage) -> None:
    await stage.expect(Fault.HTML)
    body = link_request().model_dump_camel_case()
    signature = sign_create_link(body, CHECKSUM_KEY)
    answer = await stage.browser.post(
        "/v2/payment-requests", headers=CREDENTIALS, json={**body, "signature": signature}
    )
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert answer.text.startswith("<!doctype html>")
    await stage.link()


@pytest.mark.parametrize(
    ("fault", "status", "pause_seconds"),
    [(Fault.SERVER_ERROR, 503, "60"), (Fault.RATE_LIMIT, 429, "1")],
)
async def test_a_call_about_a_link_fails_once_and_does_nothing(
    stage: Stage, fault: Fault, status: int, pause_seconds: str
) -> None:
    await stage.link()
    for method, path in (("GET", ""), ("POST", "/cancel")):
        await stage.expect(fault)
        url = f"/v2/payment-requests/5001{path}"
        answer = await stage.browser.request(method, url, headers=CREDENTIALS, json={})
        assert (answer.status_code, answer.headers["Retry-After"]) == (status, pause_seconds)
        assert (await stage.sdk.payment_requests.get(5001)).status == "PENDING"


async def test_the_same_seed_and_the_same_calls_meet_the_same_faults() -> None:
    rates = {fault: 0.1 for fault in FAULTS}
    plans = Plan(rates, seed=7), Plan(rates, seed=7), Plan(rates, seed=8)
    same, again, other = (
        [plan.draw(place) for place in Place for _ in range(200)] for plan in plans
    )
    assert same == again != other
    assert set(FAULTS) <= set(same)


def test_what_one_place_draws_does_not_change_another() -> None:
    rates = {Fault.DROP: 0.5, Fault.HTML: 0.5}
    one, other = Plan(rates, seed=1), Plan(rates, seed=1)
    for _ in range(3):
        other.draw(Place.CREATE)
    assert [one.draw(Place.DELIVERY) for _ in range(50)] == [
        other.draw(Place.DELIVERY) for _ in range(50)
    ]


def test_rates_are_met() -> None:
    plan = Plan({Fault.DROP: 0.25, Fault.DELAY: 0.5}, seed=3)
    drawn = [plan.draw(Place.DELIVERY) for _ in range(4_000)]
    assert drawn.count(Fault.DROP) == plan.drawn[Fault.DROP] == pytest.approx(1_000, rel=0.1)
    assert drawn.count(Fault.DELAY) == pytest.approx(2_000, rel=0.1)


def test_every_fault_is_applied_somewhere() -> None:
    at = {place: {fault for fault in Fault if fault.place is place} for place in Place}
    assert at[Place.DELIVERY] | {None} == set(ROUTES)
    assert at[Place.PAYMENT] | {None} == set(PAYMENTS)
    assert len(FAULTS) == len(Fault)


@pytest.mark.parametrize("rates", [{"dorp": 0.1}, {"drop": 2}, {"drop": True}, {"drop": "much"}])
def test_rates_that_are_none_are_refused(rates: dict[str, object]) -> None:
    with pytest.raises(InvalidRequest):
        read_rates(rates)


async def test_rates_are_set_and_shown_over_http(stage: Stage) -> None:
    body = {"rates": {"drop": 1}, "seed": 7}
    assert (await stage.browser.put("/simulator/faults", json=body)).status_code == 200
    assert await stage.told() == []
    shown = (await stage.browser.get("/simulator/faults")).json()
    assert (shown["rates"], shown["seed"], shown["drawn"]) == ({"drop": 1}, 7, {"drop": 1})
    assert shown["faults"].keys() == FAULTS.keys()


@pytest.mark.parametrize(
    "body",
    [
        {"rates": {"dorp": 0.1}},
        {"rates": {"drop": 0.6, "delay": 0.6}},
        {"rates": [0.1]},
        {"seed": -1},
        {"next": ["dorp"]},
        {"next": 1},
        {"next": [["drop"]]},
    ],
)
async def test_a_plan_that_makes_no_sense_is_refused_and_changes_nothing(
    body: dict[str, object], stage: Stage
) -> None:
    await stage.browser.put("/simulator/faults", json={"rates": {"drop": 1}, "seed": 7})
    assert (await stage.browser.put("/simulator/faults", json=body)).status_code == 400
    assert (stage.simulator.plan.rates, stage.simulator.plan.seed) == ({Fault.DROP: 1}, 7)


@pytest.mark.parametrize("fault", ["dorp", "html", 1])
async def test_a_payment_cannot_meet_what_is_none_or_bites_elsewhere(
    fault: object, stage: Stage
) -> None:
    await stage.link()
    answer = await stage.browser.post("/simulator/links/5001/pay", json={"fault": fault})
    assert answer.status_code == 400
    assert "other-reference" in answer.json()["detail"]
    assert (await stage.sdk.payment_requests.get(5001)).amount_paid == 0


@pytest.mark.processes
def test_the_command_line_lists_the_names_when_one_is_wrong() -> None:
    process = Process({}, "simulator", "--fault", "dorp=0.1")
    assert process.wait() == REFUSED
    (sentence,) = process.output.splitlines()
    assert all(fault in sentence for fault in Fault)


@pytest.mark.processes
def test_the_command_line_sets_rates_and_seed() -> None:
    environment = environment_on("postgresql://it/asks/none")
    options = ("--fault", "drop=0.1", "--fault", "html=1", "--seed", "7")
    simulator = Service(environment, "simulator", *options)
    try:
        shown = httpx.get(
            f"{simulator.url}/simulator/faults", trust_env=False, timeout=SECONDS_MAX
        ).json()
    finally:
        simulator.stop()
    assert (shown["rates"], shown["seed"]) == ({"drop": 0.1, "html": 1}, 7)


async def test_the_page_offers_every_fault_of_a_payment_and_applies_it(stage: Stage) -> None:
    created = await stage.sdk.payment_requests.create(link_request())
    page = (await stage.browser.get(created.checkout_url)).text
    offered = {fault for fault in Fault if f'<option value="{fault}">' in page}
    assert offered == {fault for fault in Fault if fault.place in OF_A_PAYMENT}
    form = {"amount": "50000", "fault": "duplicate"}
    answer = await stage.browser.post(f"{created.checkout_url}/pay", data=form)
    assert answer.status_code == 303
    assert len(await stage.shop.got(2)) == 2
    refused = await stage.browser.post(f"{created.checkout_url}/pay", data=form | {"fault": "x"})
    assert refused.status_code == 400


async def test_what_is_under_way_ends_with_the_simulator(stage: Stage) -> None:
    await stage.link()
    await stage.pay(fault="delay")
    await stage.simulator.courier.close()
    await stage.simulator.courier.settle()
    assert stage.shop.bodies == []


@asynccontextmanager
async def given_up(stage: Stage) -> AsyncIterator[None]:
    """Somebody asks for a link, has no answer when others have theirs, and waits no longer."""
    creating = asyncio.create_task(stage.link())
    yield
    assert not creating.done()
    creating.cancel()
    await asyncio.wait({creating})

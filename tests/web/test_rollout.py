"""NAPVI_STREAM: who gets the stream, and that every answer says so."""

import itertools
import json
import re
from html import unescape
from typing import Any

import pytest

from app.model import UserId
from app.rollout import gets_stream
from tests.web.service import Payer

USERS = [UserId(number) for number in range(1, 10_001)]
SHARES = ["off", "0%", "1%", "25%", "50%", "99%", "100%", "on"]


def those_with_stream(share: str) -> set[UserId]:
    return {user for user in USERS if gets_stream(user, share)}


def test_a_larger_share_only_adds_users() -> None:
    steps = [those_with_stream(share) for share in SHARES]
    assert all(smaller <= larger for smaller, larger in itertools.pairwise(steps))


@pytest.mark.parametrize("share", ["off", "0%"])
def test_nobody_is_in_an_empty_share(share: str) -> None:
    assert those_with_stream(share) == set()


@pytest.mark.parametrize("share", ["on", "100%"])
def test_everybody_is_in_the_whole(share: str) -> None:
    assert those_with_stream(share) == set(USERS)


@pytest.mark.parametrize("percent", [1, 25, 50, 99])
def test_a_share_has_about_its_size(percent: int) -> None:
    assert abs(len(those_with_stream(f"{percent}%")) / len(USERS) * 100 - percent) < 1.5


def test_a_user_stays_where_he_is_from_one_release_to_the_next() -> None:
    chosen = {user for user in USERS[:30] if gets_stream(user, "25%")}
    assert chosen == {4, 9, 11, 18, 20, 24, 25, 27, 28}


@pytest.mark.parametrize(
    ("service_settings", "told"), [({"stream": "off"}, False), ({"stream": "100%"}, True)]
)
async def test_every_answer_about_a_topup_says_whether_to_stream(payer: Payer, told: bool) -> None:
    opened = await payer.open()
    status = await payer.status(opened["tx_ref"])
    wallet = (await payer.client.get("/api/wallet")).json()
    page = (await payer.client.get(f"/wallet/topup/{opened['tx_ref']}")).text
    update: dict[str, Any] = json.loads(unescape(re.findall(r"data-update='([^']+)'", page)[0]))
    answers = [opened, status, *wallet["topups"], update]
    assert [answer["stream"] for answer in answers] == [told] * 4

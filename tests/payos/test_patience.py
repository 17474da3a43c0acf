"""Commands that PayOS asks for a pause."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from app.errors import AskingStopped, PayOSRefused, PayOSTimeout, Problem
from app.payos.patience import Patience
from app.payos.refusal import RefusedWithCode
from app.payos.response_hook import RateLimited

LIMITED = RateLimited(retry_after_seconds=1)


class Asked:
    """Questions that meet `problems` one after the other, then an answer."""

    def __init__(self, *problems: Problem) -> None:
        self.times = 0
        self.at_once_max = 0
        self._at_once = 0
        self._problems = iter(problems)

    async def question(self) -> str:
        self.times += 1
        self._at_once += 1
        self.at_once_max = max(self.at_once_max, self._at_once)
        problem = next(self._problems, None)
        await asyncio.sleep(0)
        self._at_once -= 1
        if problem is not None:
            raise problem
        return "answer"


async def all_of(question: Callable[[], Awaitable[str]], patience: Patience) -> list[str]:
    return await asyncio.gather(*(patience.answer(question) for _ in range(4)))


async def test_what_payos_takes_no_call_for_is_asked_after_the_pause() -> None:
    told, asked = list[str](), Asked(LIMITED)
    assert await Patience(told.append).answer(asked.question) == "answer"
    assert (asked.times, told) == (2, ["PayOS takes no calls for now. Going on in 1 s."])


async def test_all_who_ask_share_a_pause() -> None:
    told, asked = list[str](), Asked(*[LIMITED] * 4)
    assert await all_of(asked.question, Patience(told.append)) == ["answer"] * 4
    assert (asked.times, asked.at_once_max, len(told)) == (8, 4, 1)


async def test_after_a_pause_one_goes_first() -> None:
    told, asked = list[str](), Asked(*[LIMITED] * 5)
    assert await all_of(asked.question, Patience(told.append)) == ["answer"] * 4
    assert (asked.times, len(told)) == (9, 2)


async def test_after_so_many_pauses_without_an_answer_nobody_asks_any_more() -> None:
    told, asked = list[str](), Asked(*[LIMITED, PayOSTimeout(), LIMITED] * 9)
    patience = Patience(told.append, pauses_max=2)
    with pytest.raises(PayOSTimeout):
        await patience.answer(asked.question)
    with pytest.raises(AskingStopped, match="after 2 pauses"):
        await patience.answer(asked.question)
    assert (asked.times, len(told)) == (4, 2)


@pytest.mark.parametrize("code", ["201", "214", "401", "403"])
async def test_nobody_asks_any_more_where_every_question_would_be_refused(code: str) -> None:
    asked = Asked(RefusedWithCode(code, "no"))
    with pytest.raises(AskingStopped, match=rf"\(code {code}\).*PAYOS_"):
        await Patience(list[str]().append).answer(asked.question)


@pytest.mark.parametrize("answer", [None, PayOSRefused()], ids=["answer", "refusal"])
async def test_an_answer_makes_patient_again(answer: PayOSRefused | None) -> None:
    told = list[str]()
    patience = Patience(told.append, pauses_max=1)
    for _ in range(2):
        asked = Asked(LIMITED, *([answer] if answer else []))
        try:
            await patience.answer(asked.question)
        except PayOSRefused as problem:
            assert problem is answer
    assert len(told) == 2

"""Questions that come together are answered together, each with its own answer."""

import asyncio
from collections.abc import Sequence

import pytest

from serve.ingress.batches import Batches


class Answering:
    """Doubles numbers, one batch at a time, when it is let; a negative one is an error of its own."""

    def __init__(self) -> None:
        self.groups: list[list[int]] = []
        self.go = asyncio.Semaphore(0)

    async def __call__(self, numbers: Sequence[int]) -> list[int | Exception]:
        self.groups.append(list(numbers))
        await self.go.acquire()
        if 13 in numbers:
            raise ConnectionResetError
        return [2 * number if number >= 0 else ValueError(number) for number in numbers]


async def ask_while_one_waits(answering: Answering, questions: Sequence[int]) -> list[int | BaseException]:
    batches = Batches(answering)
    first = asyncio.create_task(batches.ask(0))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    others = [asyncio.create_task(batches.ask(number)) for number in questions]
    await asyncio.sleep(0)
    for _ in range(10):
        answering.go.release()
    assert await first == 0
    return await asyncio.gather(*others, return_exceptions=True)


def test_what_comes_meanwhile_is_one_question_and_everybody_gets_their_own_answer() -> None:
    async def use() -> None:
        answering = Answering()
        assert await ask_while_one_waits(answering, [3, 1, 2]) == [6, 2, 4]
        assert answering.groups == [[0], [3, 1, 2]]

    asyncio.run(use())


def test_nobody_is_answered_from_before_they_asked() -> None:
    """Who asks while an answer is under way waits for the next one."""

    async def use() -> None:
        answering = Answering()
        await ask_while_one_waits(answering, [5])
        assert [5] in answering.groups

    asyncio.run(use())


def test_an_error_is_of_the_one_who_asked_for_it() -> None:
    async def use() -> None:
        answers = await ask_while_one_waits(Answering(), [1, -2, 3])
        assert answers[0] == 2
        assert isinstance(answers[1], ValueError)
        assert answers[2] == 6

    asyncio.run(use())


def test_what_breaks_the_whole_answer_is_told_to_all_of_it_and_ends_nothing() -> None:
    async def use() -> None:
        answering = Answering()
        batches = Batches(answering)
        answering.go.release()
        with pytest.raises(ConnectionResetError):
            await batches.ask(13)
        answering.go.release()
        assert await batches.ask(4) == 8

    asyncio.run(use())


def test_a_group_has_its_bound() -> None:
    async def use() -> None:
        answering = Answering()
        await ask_while_one_waits(answering, range(1, 131))
        assert [len(group) for group in answering.groups] == [1, 64, 64, 2]

    asyncio.run(use())


def test_who_gave_up_waiting_disturbs_nobody() -> None:
    async def use() -> None:
        answering = Answering()
        batches = Batches(answering)
        impatient, patient = (asyncio.create_task(batches.ask(number)) for number in (1, 2))
        await asyncio.sleep(0)
        impatient.cancel()
        await asyncio.sleep(0)
        answering.go.release()
        assert await patient == 4

    asyncio.run(use())

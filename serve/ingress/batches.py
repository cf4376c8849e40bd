"""Questions that come while one is being answered share the next answer, so that a busy replica asks seldom."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Generic, TypeVar

__all__ = ["Batches"]

T = TypeVar("T")
R = TypeVar("R")

_AT_ONCE: Final = 64


class Batches(Generic[T, R]):
    """Belongs to one event loop. What is asked is answered from what was true after it was asked."""

    def __init__(self, answer: Callable[[Sequence[T]], Awaitable[Sequence[R | Exception]]]) -> None:
        """``answer`` has an answer, or an error, for each of at most 64 questions, in their order."""
        self._answer = answer
        self._waiting: list[tuple[T, asyncio.Future[R]]] = []
        self._answering: asyncio.Task[None] | None = None

    async def ask(self, question: T) -> R:
        """The answer to one question, or its error, or what ``answer`` raised."""
        future: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting.append((question, future))
        if self._answering is None or self._answering.done():
            self._answering = asyncio.create_task(self._answer_all())
        return await future

    async def _answer_all(self) -> None:
        while self._waiting:
            group, self._waiting = self._waiting[:_AT_ONCE], self._waiting[_AT_ONCE:]
            answers: Sequence[R | Exception]
            try:
                answers = await self._answer([question for question, _ in group])
            except Exception as error:
                answers = [error] * len(group)
            for (_, future), each in zip(group, answers, strict=True):
                _tell(future, each)


def _tell(future: asyncio.Future[R], answer: R | Exception) -> None:
    if future.done():
        return
    if isinstance(answer, Exception):
        future.set_exception(answer)
    else:
        future.set_result(answer)

"""Send content through the gate, piece by piece, and break off the moment it may not go on."""

import asyncio
from collections.abc import AsyncIterator
from typing import Final

import httpx

from cluster.records.disclosure_outcomes import Outcome
from serve.egress.client import Body, Client
from serve.egress.cuts import Cuts, Sendable
from serve.egress.errors import EgressFailed, MayNotLeave, translated
from serve.egress.gate import Gate
from serve.egress.pinning import Pinned
from serve.egress.replies import read_reply
from serve.recipients.wire import ContentRequest, LostOnTheWay, NotSent, Reply

__all__ = ["send_content"]

_PIECE: Final = 1 << 16
_LAST_WORDS: Final = 1.0
"""Seconds that are waited for the answer to content that has left whole, when it is cut."""
_MOST: Final = 1 << 20


class _Pieces:
    """The body, as far as it may still go; it counts what was handed to the network."""

    def __init__(self, body: bytes, cut: asyncio.Event) -> None:
        self.handed_over, self.whole = 0, False
        self._body, self._cut = body, cut

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for start in range(0, len(self._body), _PIECE):
            if self._cut.is_set():
                raise MayNotLeave
            piece = self._body[start : start + _PIECE]
            self.handed_over += len(piece)
            yield piece
        self.whole = True


async def send_content(
    client: Client, pinned: Pinned, request: ContentRequest, gate: Gate, cuts: Cuts, sending: Sendable
) -> Reply:
    """Send it, once.

    Raises:
        NotSent: no connection stood; nothing is on record.
        MayNotLeave: the gate refused, or the sending was cut: the record says how much had left. If it was cut because
            nobody could look, that is no refusal, and one of the other two.
        LostOnTheWay: it was sent, at least in part, and not answered.
    """
    pieces = _Pieces(request.body, sending.cut)

    async def last_look() -> None:
        await gate.passed(request.body)

    async def exchange() -> Reply:
        body = Body(len(request.body), aiter(pieces))
        with translated():
            async with (
                asyncio.timeout(client.timeouts.total),
                client.send(request.method, pinned, request.headers, body, last_look) as response,
            ):
                return await read_reply(response, _MOST)

    outcome = Outcome.LOST
    with cuts.watching(sending):
        task = asyncio.create_task(exchange())
        try:
            reply = await _until_cut(task, sending.cut, pieces)
            outcome = Outcome.ANSWERED
            return reply
        except MayNotLeave:
            outcome = Outcome.CUT if pieces.handed_over else Outcome.NOT_SENT
            if sending.blind.is_set():
                raise (LostOnTheWay if pieces.handed_over else NotSent) from None
            raise
        except (EgressFailed, httpx.HTTPError):
            if gate.line is None:
                raise NotSent from None
            raise LostOnTheWay from None
        finally:
            await _ended(task)
            await asyncio.shield(gate.ended(outcome, pieces.handed_over))


async def _until_cut(task: "asyncio.Task[Reply]", cut: asyncio.Event, pieces: _Pieces) -> Reply:
    waiting = asyncio.create_task(cut.wait())
    try:
        await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done() and pieces.whole:
            await asyncio.wait({task}, timeout=_LAST_WORDS)
        if not task.done():
            raise MayNotLeave
        return task.result()
    finally:
        waiting.cancel()


async def _ended(task: "asyncio.Task[Reply]") -> None:
    task.cancel()
    await asyncio.wait({task})

"""The recipient channel: takes due submissions and has each taken one step further. All it knows is in the database."""

import asyncio
from datetime import timedelta
from typing import Final

from cluster import telemetry
from cluster.ids import new_id
from cluster.records import submissions
from cluster.records.submissions import Submission
from serve.egress.cuts import Cuts
from serve.egress.steps import Steps
from serve.resources import WebResources

__all__ = ["RecipientChannel"]

_AT_ONCE: Final = 32
_HOLD: Final = timedelta(seconds=30)
_RENEWED_EVERY: Final = 10.0


class RecipientChannel:
    """Sends to third parties and follows what they make. It may be killed at any moment."""

    def __init__(self, resources: WebResources, steps: Steps, cuts: Cuts) -> None:
        """``steps`` knows the recipients; ``cuts`` looks after what is being sent."""
        self._resources, self._steps, self._cuts = resources, steps, cuts
        self._holder = new_id("outbound")
        self._held: dict[asyncio.Task[None], Submission] = {}

    async def step_due(self) -> None:
        """Begin a step for what is due and there is room for."""
        room = _AT_ONCE - len(self._held)
        if room <= 0:
            return
        database = self._resources.database
        for submission in await database.run(submissions.take, self._holder, room=room, hold=_HOLD):
            task = asyncio.create_task(self._step(submission))
            self._held[task] = submission
            task.add_done_callback(self._held.pop)

    async def renew(self) -> None:
        """Hold what takes long for longer, for ever."""
        while True:
            await asyncio.sleep(_RENEWED_EVERY)
            held = [(one.id, one.turn) for one in self._held.values()]
            if held:
                try:
                    await self._resources.database.run(submissions.renew, held, _HOLD)
                except Exception as error:
                    telemetry.log_failure("not_renewed", error)

    async def look_after(self) -> None:
        """Look after what is being sent, for ever."""
        await self._cuts.run()

    async def drain(self) -> None:
        """Wait until the steps that have begun are over."""
        while self._held:
            await asyncio.wait(set(self._held))

    async def _step(self, submission: Submission) -> None:
        """One step. If not even how it went can be written down, it is taken again once it is held no more."""
        try:
            await self._steps.step(submission)
        except Exception as error:
            telemetry.log_failure("step_failed", error, job_id=submission.job_id)

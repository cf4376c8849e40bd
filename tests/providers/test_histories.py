"""Whatever is granted, withdrawn, asked anew, lost or killed, in whatever order: no disclosure without an earlier live
grant for that recipient and notice, and at most one paid task a job."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from cluster.privacy.recipients import Register
from cluster.privacy.share_notices import share_notices
from cluster.records import delegation
from tests.emulators.script import Endpoint, Fault
from tests.fixtures_recipients import Uses
from tests.handing_over import HandingOver, picture, used
from tests.recipients import agreement
from tests.recipients import register as register_with

PHOTO = picture(400, 320)
FAULTS = (Fault.DROP_AFTER_ACCEPT, Fault.DROP_BEFORE, Fault.RATE_LIMITED, Fault.SERVER_ERROR, Fault.MODERATED_OUTPUT)

BEGINNINGS = st.sampled_from([("grant", None), ("grant", None), ("hand over", None)])
ACTS = st.one_of(
    st.sampled_from(["grant", "withdraw", "renew the notice", "hand over", "settle", "let time pass"]).map(
        lambda act: (act, None)
    ),
    st.tuples(st.just("work"), st.none()),
    st.tuples(st.just("work and die"), st.integers(1, 9)),
    st.tuples(st.just("fault"), st.sampled_from(FAULTS)),
)


class Killed(Exception):
    """This process is dead: nothing that it does counts any more."""


class Mortal:
    """A database that a process can use so often; then the process is dead."""

    def __init__(self, database: Any, calls: int | None) -> None:
        self._database, self._left = database, calls

    async def run(self, function: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        """Run, unless dead."""
        if self._left is not None:
            if self._left == 0:
                raise Killed
            self._left -= 1
        return await self._database.run(function, *arguments, **named)


class History:
    """One account, one job, and the acts of one history."""

    def __init__(self, upstream: HandingOver, notices: list[Register]) -> None:
        self.upstream, self.notices, self.current = upstream, notices, 0
        upstream.register = notices[0]
        upstream.emulator.script.clear()
        upstream.let_pass(timedelta(minutes=2))
        upstream.world.sql("UPDATE submissions SET state = 'failed', due_at = NULL, settled_at = created_at")
        upstream.world.sql("DELETE FROM breakers")
        upstream.emulator.tasks.clear()
        upstream.server.record.clear()
        self.account = upstream.world.account()
        self.job = upstream.job(self.account, PHOTO)

    async def do(self, act: str, detail: Any) -> None:
        """One act."""
        match act:
            case "grant" | "withdraw":
                await asyncio.to_thread(self.upstream.answer, self.account, act == "grant")
            case "renew the notice":
                self.current = 1 - self.current
                self.upstream.register = self.notices[self.current]
            case "hand over":
                await asyncio.to_thread(self.upstream.hand_over)
            case "settle":
                await asyncio.to_thread(self.upstream.world.run, delegation.settle)
            case "let time pass":
                self.upstream.pass_time()
            case "fault":
                self.upstream.emulator.script.add(Endpoint.CREATE, detail, amount=1)
            case _:
                await self._work(detail)

    async def _work(self, calls: int | None) -> None:
        await asyncio.to_thread(self.upstream.hand_over)
        alive = self.upstream.resources
        mortal: Any = Mortal(alive.database, calls)
        self.upstream.resources = replace(alive, database=mortal)
        try:
            channel = self.upstream.channel()
            try:
                await channel.step_due()
            except Killed:
                return
            await channel.drain()
        finally:
            self.upstream.resources = alive

    def _name(self) -> bytes:
        found = self.upstream.world.sql("SELECT id FROM submissions WHERE job_id = :job", job=self.job)
        return found[0].id.encode() if found else b"nobody was told of it"

    def _paid(self) -> int:
        """How many tasks the recipient made of this submission."""
        return sum(task.reference == self._name().decode() for task in self.upstream.emulator.tasks.all())

    def lines(self) -> list[Any]:
        """The record of what left of the job."""
        return self.upstream.world.sql("SELECT * FROM disclosures WHERE job_id = :j ORDER BY sequence", j=self.job)

    def check(self) -> None:
        """What must hold after any history."""
        lines = self.lines()
        for line in lines:
            query = "SELECT * FROM consents WHERE account_id = :account AND purpose = :share ORDER BY sequence"
            answers = self.upstream.world.sql(query, account=self.account, share=self.upstream.share)
            earlier = [one for one in answers if one.recorded_at <= line.recorded_at]
            assert earlier, "nobody had answered"
            assert earlier[-1].granted
            assert earlier[-1].notice_version == line.notice_version
            assert earlier[-1].sequence == line.consent
        sent = [body for body in map(bytes, self.upstream.server.record.bodies) if self._name() in body]
        assert len(sent) <= len(lines)
        assert self._paid() <= min(1, len(lines))


@pytest.mark.timeout(7200)
@pytest.mark.parametrize("recipient", ["kling"])
def test_every_history_keeps_its_word(uses: Uses, recipient: str, request: pytest.FixtureRequest) -> None:
    upstream = uses(recipient)
    longer = agreement() | {"contract": agreement()["contract"] | {"max_retention_days": 45}}
    notices = [register_with(used(recipient, upstream.server.url, **more)) for more in ({}, {"agreement": longer})]
    versions = {share_notices(register)[upstream.share].version for register in notices}
    assert len(versions) == 2
    for register in notices:
        upstream.world.publish(*share_notices(register).values())
    seen: list[int] = []

    @settings(
        max_examples=10_000 if request.config.getoption("--every-death") else 60,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.explicit, Phase.generate),
        database=None,
    )
    @given(BEGINNINGS, st.lists(ACTS, min_size=4, max_size=14))
    def histories(beginning: tuple[str, Any], acts: list[tuple[str, Any]]) -> None:
        async def live() -> None:
            history = History(upstream, notices)
            for act, detail in [beginning, *acts]:
                await history.do(act, detail)
            history.check()
            seen.append(len(history.lines()))
            await upstream.resources.database.close()

        asyncio.run(live())

    histories()
    assert sum(seen) > len(seen) / 12, "hardly anything was sent"

"""A job on its way to an emulated third party and back, in this process; database, gate, adapter, sockets are real."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cluster import clock
from cluster.ids import new_id
from cluster.privacy.media_kinds import MediaKind
from cluster.privacy.recipients import Register
from cluster.privacy.share_notices import share_notices
from cluster.records import accounts, delegation, lifecycle, media, submissions
from cluster.records.job_states import Stage
from cluster.records.jobs import Job, NewJob
from cluster.records.submissions import Submission
from cluster.storage.sealed import SealedStore
from serve import delegates
from serve.egress.client import Client, Timeouts
from serve.egress.cuts import Cuts
from serve.egress.pinning import Rules
from serve.egress.recipient import Recipient
from serve.egress.recipients import RecipientChannel
from serve.egress.registered import access_of, recipient_of
from serve.egress.steps import Steps
from serve.media.decode import encode_clean
from serve.recipients.registry import create
from serve.resources import WebResources
from tests.emulators.catalogue import find
from tests.emulators.emulator import Emulator
from tests.emulators.server import Server, serving
from tests.emulators.veo import Veo
from tests.outside import PUBLIC, Names, rules
from tests.recipients import in_use
from tests.recipients import register as register_with
from tests.world import AI, World

__all__ = ["MODELS", "HandingOver", "handing_over", "picture", "secrets_of", "used"]

MODELS = {
    "kling": "kling-v3",
    "wan": "wan-2.7",
    "veo": "veo-3.1",
    "openai_videos": "upstream",
    "bedrock": "luma-ray2",
}
"""A model of each recipient."""
_STEPS = 60


@dataclass
class HandingOver:
    """One recipient, emulated; one installation that uses it."""

    world: World
    resources: WebResources
    store: SealedStore
    register: Register
    emulator: Emulator
    server: Server
    secrets: dict[str, str]
    names: Names
    client: Client
    passed: timedelta = timedelta()
    per_minute: int | None = None
    """Its budget of a minute, where it is another than the register's."""

    @property
    def recipient(self) -> str:
        """Its id in the register."""
        return self.emulator.name

    @property
    def share(self) -> str:
        """The purpose of sharing with it."""
        return f"share:{self.recipient}"

    def take_at_most(self, result_bytes: int) -> None:
        """Take no larger video than this one from now on."""
        settings = self.resources.settings
        outbound = settings.outbound.model_copy(update={"max_result_bytes": result_bytes})
        self.resources = replace(self.resources, settings=settings.model_copy(update={"outbound": outbound}))

    def answer(self, account: str, granted: bool) -> None:
        """Grant or withdraw under the current notice."""
        version = share_notices(self.register)[self.share].version
        self.world.run(lifecycle.answer, account, purpose=self.share, notice_version=version, granted=granted)

    def somebody(self, available: int = 1000) -> str:
        """An account that has agreed to share with the recipient."""
        account: str = self.world.account(available)
        self.answer(account, True)
        return account

    def job(self, account: str, photo: NDArray[np.uint8] | None = None, prompt: str = "slow waves") -> str:
        """A job whose photo was taken in and passed screening."""
        model = MODELS[self.recipient]
        job_id = self.world.database.run(self._queue, account, model, prompt)
        self._take_in(job_id, photo if photo is not None else picture())
        return job_id

    def channel(self, *others: "HandingOver") -> RecipientChannel:
        """The channel as a replica has it that knows these others as well; another one is another replica."""
        known = {one.recipient: one.known() for one in (self, *others)}
        notices = {purpose: notice.version for purpose, notice in share_notices(self.register).items()}
        cuts = Cuts(self.resources.database)
        return RecipientChannel(self.resources, Steps(self.resources, self._rules(), cuts, known, notices), cuts)

    def known(self) -> Recipient:
        """What the way out knows of it."""
        entry = self.register.recipients[self.recipient]
        adapter = create(str(entry.adapter), access_of(entry, self.secrets))
        known = replace(recipient_of(entry, adapter, self.client, "laptop"), poll_seconds=0.0)
        if self.per_minute is not None:
            known = replace(known, receiver=replace(known.receiver, per_minute=self.per_minute))
        return known

    async def go_on(self, channel: RecipientChannel, until: Callable[[], bool], steps: int = _STEPS) -> None:
        """Let director and channel work until something is so. Where all only wait, time passes at once."""
        for _ in range(steps):
            self.hand_over()
            await channel.step_due()
            await channel.drain()
            self.world.run(delegation.settle)
            if until():
                return
            self.pass_time()
        raise AssertionError(f"it did not come to that: {self.world.sql('SELECT state, failure FROM submissions')}")

    def work(self, use: Callable[[RecipientChannel], Awaitable[None]], *others: "HandingOver") -> None:
        """Use a channel that is looked after as in a replica, on a loop of its own."""

        async def run() -> None:
            channel = self.channel(*others)
            looking = asyncio.create_task(channel.look_after())
            try:
                await use(channel)
            finally:
                looking.cancel()

        try:
            asyncio.run(run())
        finally:
            asyncio.run(self.resources.database.close())

    def to_the_end(self, *job_ids: str) -> list[Submission]:
        """Let jobs come to an end, whichever, and their copies too; their submissions."""

        def over() -> bool:
            found = [self.submission(job_id) for job_id in job_ids]
            return all(one.ended and one.copy != "held" for one in found)

        self.work(lambda channel: self.go_on(channel, over))
        return [self.submission(job_id) for job_id in job_ids]

    def hand_over(self) -> int:
        """What the director does with due jobs."""
        return self.world.run(delegation.hand_over, delegates.of_register(self.register))

    def pass_time(self) -> None:
        """Let time pass until the next submission is due."""
        (row,) = self.world.sql("SELECT min(due_at) AS due FROM submissions WHERE due_at IS NOT NULL")
        if row.due is not None and row.due > clock.now():
            self.let_pass(row.due - clock.now() + timedelta(milliseconds=1))

    def let_pass(self, time: timedelta) -> None:
        """Let so much time pass at once; it is taken back at the end."""
        self.passed += time
        clock.shift(time)

    def submission(self, job_id: str) -> Submission:
        """The job's submission."""
        found = self.world.run(submissions.of_job, job_id)
        assert found
        return found

    def read(self, job_id: str) -> Job:
        """The job."""
        return self.world.read(job_id)

    def lines(self) -> list[Any]:
        """The record of what left, with what became of it, the oldest first."""
        return self.world.sql(
            "SELECT d.*, o.outcome, o.sent_bytes FROM disclosures d"
            " LEFT JOIN disclosure_outcomes o ON o.disclosure = d.sequence ORDER BY d.sequence"
        )

    def left(self) -> list[Any]:
        """The same, without what was not sent after all: where all is slow a line gets too old, and is written anew."""
        return [line for line in self.lines() if line.outcome != "not_sent"]

    def received(self, job_id: str) -> bytes:
        """The video as it came."""
        medium = self.world.run(media.of_job, job_id, MediaKind.RECEIVED)
        assert medium
        reader = self.store.open(medium.object_key, self.world.opening(medium.account_id), medium.id)
        return reader.read(0, reader.size)

    def _rules(self) -> Rules:
        return rules(self.names)

    def _queue(self, connection: Any, account_id: str, model: str, prompt: str) -> str:
        account = accounts.lock(connection, account_id)
        assert account
        takes = self.register.recipients[self.recipient].models[model].capabilities
        parameters: dict[str, Any] = {"seconds": min(takes.seconds)}
        for name, choices in (
            ("resolution", takes.resolutions),
            ("size", takes.sizes),
            ("aspect_ratio", takes.aspect_ratios),
        ):
            if choices:
                parameters[name] = choices[0]
        new = NewJob(
            id=new_id("video"),
            account_id=account_id,
            epoch=account.epoch,
            model=model,
            purposes=(AI, self.share),
            consent_snapshot={},
            parameters=parameters,
            facts={},
            prompt=prompt,
            price=10,
        )
        lifecycle.accept(connection, self.world.keys, new)
        return new.id

    def _take_in(self, job_id: str, photo: NDArray[np.uint8]) -> None:
        data, content_type = encode_clean(photo)
        (lease,) = [one for one in self.world.claim(ingestion=100) if one.job_id == job_id]
        job = self.world.read(job_id)
        medium = self.world.run(media.begin, job.account_id, MediaKind.INPUT, content_type, job_id=job_id, fence=1)
        size = self.store.put(medium.object_key, job.account_id, medium.id, [data])
        self.world.run(media.finish, medium.id, size, photo.shape[1], photo.shape[0])
        assert self.world.run(lifecycle.end_stage, lease, {})
        (lease,) = [one for one in self.world.claim(input_screening=100) if one.job_id == job_id]
        assert self.world.run(lifecycle.end_stage, lease, {})
        assert self.world.read(job_id).stage is Stage.DELEGATION


def picture(width: int = 640, height: int = 400) -> NDArray[np.uint8]:
    """A picture of which every corner has a colour of its own."""
    across, down = np.meshgrid(np.linspace(0, 255, width), np.linspace(0, 255, height))
    return np.stack([across, down, 255 - across], axis=2).astype(np.uint8)


@contextmanager
def handing_over(
    name: str, world: World, resources: WebResources, store: SealedStore, names: Names
) -> Iterator[HandingOver]:
    """An emulator that answers while the block lasts, and an installation that uses it, its notices published."""
    emulator = find(name)(poll_steps=2)
    with serving(emulator.app, host=PUBLIC) as server:
        register = register_with(used(name, server.url))
        world.publish(*share_notices(register).values())
        secrets = secrets_of(emulator, server.url)
        client = Client(Timeouts(5, 20, 30))
        made = HandingOver(world, resources, store, register, emulator, server, secrets, names, client)
        try:
            yield made
        finally:
            clock.shift(-made.passed)


def used(name: str, url: str, **changes: Any) -> dict[str, Any]:
    """The setting by which an installation uses the recipient, at the emulator's address."""
    if name == "openai_videos":
        changes = {"provider_models": {"upstream": "sora-2"}} | changes
    if name == "bedrock":
        changes = {"options": {"bucket": "test-bucket"}} | changes
    return in_use(name, base_url=url, **changes)


def secrets_of(emulator: Emulator, url: str) -> dict[str, str]:
    """What an installation knows of the emulator, by the names of the register."""
    if isinstance(emulator, Veo):
        return {"service_account": json.dumps(emulator.account.key_file(f"{url}/token"))}
    own = getattr(emulator, "credentials", None)
    return own(url) if own else {"api_key": emulator.api_key}

"""One installation to kill parts of, with a client, the journal, and the question whether all ended well."""

import os
import random
import re
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

from cluster import runtime
from cluster.records.job_states import Stage
from cluster.storage.database import Database
from cluster.storage.objects import open_objects
from tests.chaos._clients import Client, small_photo
from tests.chaos._disks import Disk
from tests.chaos._holding import FOLDER, Hold
from tests.chaos.history import violations
from tests.chaos.journal import Journal
from tests.cluster._installation import Installation
from tests.cluster._waiting import until
from tests.emulators.catalogue import find
from tests.emulators.emulator import Emulator
from tests.emulators.installed import settings_for
from tests.emulators.server import serving
from tests.handing_over import MODELS

__all__ = ["STAGES", "Arena", "opened", "stopped"]

STAGES = (Stage.OUTPUT_SCREENING, Stage.GENERATION, Stage.INPUT_SCREENING, Stage.INGESTION)
"""What replicas do, the last first."""
_RECIPIENT, _HOST = "kling", "127.0.0.1"
_SETTINGS = {
    "I2V_CREDITS_SIGN_UP_GRANT": "100000",
    "I2V_HTTP_MAX_REQUESTS_PER_MINUTE": "100000",
    "I2V_JOBS_LEASE_SECONDS": "4",
    "I2V_JOBS_MAX_ATTEMPTS": "5",
    "I2V_JOBS_STEP_SECONDS": "300",
    "I2V_JOBS_SLOW_STEP_SECONDS": "300",
}


_ACTIVE = """
    SELECT id FROM jobs WHERE state IN ('queued', 'in_progress')
    UNION ALL SELECT job_id FROM leases
    UNION ALL SELECT id FROM media WHERE state = 'doomed' OR (state = 'writing' AND job_id IS NOT NULL)
"""


class Arena:
    """A running installation of the whole service, whose processes are found by name."""

    def __init__(self, installation: Installation, emulator: Emulator) -> None:
        """It has been started, and uses the emulator."""
        self.emulator = emulator
        self.installation = installation
        self.url = f"http://127.0.0.1:{installation.settings.http.port}"
        self.objects, self.database = installation.paths.objects, installation.paths.postgres
        self.journal = Journal()
        self._photo = small_photo()
        self.clients: list[Client] = []
        self.client = self.new_client()

    def new_client(self) -> Client:
        """Somebody who signs up."""
        client = Client(self.url, self.journal, self._photo)
        self.clients.append(client)
        return client

    def hold(self, point: str) -> Hold:
        """Hold the first process that reaches a point of `_application`."""
        return Hold(self.installation.folder, point)

    @contextmanager
    def at(self, *points: str) -> Iterator[list[str]]:
        """A job held at each of these points; the jobs. Name later stages first: a job passes the earlier ones."""
        with ExitStack() as holds:
            jobs = []
            for point in points:
                hold = holds.enter_context(self.hold(point))
                jobs.append(self.client.create())
                hold.caught()
            yield jobs

    @contextmanager
    def submitted_at(self, *points: str) -> Iterator[list[str]]:
        """A job of the third party's model held at each of these points of its submission, each of somebody else."""
        with ExitStack() as holds:
            jobs = []
            for point in points:
                hold = holds.enter_context(self.hold(f"submission.{point}"))
                jobs.append(self.sharing_client().share(MODELS[self.emulator.name]))
                hold.caught()
            yield jobs

    def sharing_client(self) -> Client:
        """Somebody who has agreed to share."""
        client = self.new_client()
        client.answer(self.emulator.name, True)
        return client

    def attempts(self, job_id: str) -> int:
        """How often the job was begun or begun again."""
        return int(self.installation.sql(f"SELECT attempts FROM jobs WHERE id = '{job_id}'")[0][0])

    def release(self) -> None:
        """Let everybody go who is held."""
        for file in (self.installation.folder / FOLDER).iterdir():
            file.unlink(missing_ok=True)

    def silence(self, job_id: str) -> float:
        """For how many seconds nobody has beaten for the job."""
        query = f"SELECT extract(epoch FROM clock_timestamp() - heartbeat_at) FROM leases WHERE job_id = '{job_id}'"
        return float(self.installation.sql(query)[0][0])

    def state(self, job_id: str) -> str:
        """As it stands in the database."""
        return str(self.installation.sql(f"SELECT state FROM jobs WHERE id = '{job_id}'")[0][0])

    def process(self, pattern: str) -> int:
        """The process whose command line matches."""
        found = [pid for pid, command in self.installation.processes().items() if re.search(pattern, command)]
        assert found, f"no process is called {pattern}"
        return min(found)

    def some(self, pattern: str, chance: random.Random) -> list[int]:
        """One of the processes whose command line matches, or none if there is none now."""
        found = [pid for pid, command in self.installation.processes().items() if re.search(pattern, command)]
        return [chance.choice(sorted(found))] if found else []

    def replica(self, deployment: str) -> int:
        """The process of a deployment."""
        return self.process(rf"^ray::ServeReplica:\w+:(Held)?{deployment}")

    def settle(self, seconds: float = 180) -> None:
        """Wait until everything has ended, then look at everything; nothing may be wrong."""
        until(lambda: self.unsettled() == [], seconds)
        for client in self.clients:
            client.review()
        until(lambda: self.violations() == [], 5)

    def unsettled(self) -> list[str]:
        """What has not ended."""
        return [row[0] for row in self.installation.sql(_ACTIVE)]

    def violations(self) -> list[str]:
        """What the history checker finds."""
        settings, where = self.installation.settings, self.installation.paths
        database = Database(runtime.owner_url(settings), 1, "history")
        try:
            objects = open_objects(settings.objects, where.objects)
            return database.run(violations, objects, self.journal, settings.jobs.max_attempts)
        finally:
            database.close()


@contextmanager
def opened() -> Iterator[Arena]:
    """An installation that is started, and ended with everything in it; it uses a third party, which is emulated."""
    emulator = find(_RECIPIENT)()
    with ExitStack() as stack:
        server = stack.enter_context(serving(emulator.app, host=_HOST))
        installation = Installation("tests.chaos._application:build", **_SETTINGS)
        stack.callback(installation.remove)
        installation.environment |= settings_for(emulator, server.url, installation.paths.credentials, _HOST)
        if os.geteuid() == 0:
            for folder in (installation.paths.objects, installation.paths.postgres):
                stack.callback(Disk(folder).remove)
        stack.callback(installation.i2v, "down")
        installation.up()
        arena = Arena(installation, emulator)
        yield arena
        for client in arena.clients:
            client.http.close()


@contextmanager
def stopped(*pids: int) -> Iterator[None]:
    """SIGSTOP for as long as the block takes, then SIGCONT to those that live."""
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)

"""Accounts that create, look, cancel, delete and download, while random deaths hit whatever serves them."""

import random
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime

from tests.chaos._arena import Arena
from tests.chaos._clients import Client
from tests.chaos.deaths import Death

__all__ = ["Report", "soak"]

_MOST_AT_ONCE = 4
_PAUSES = (1.0, 6.0)
_SETTLE_SECONDS = 400.0


@dataclass
class Report:
    """What came of it. ``hits``: each death with its instant."""

    seed: int
    hits: list[tuple[str, datetime]] = field(default_factory=list)
    states: Mapping[str, int] = field(default_factory=dict)
    completions: Sequence[datetime] = ()
    violations: list[str] = field(default_factory=list)

    def recoveries(self) -> dict[str, list[float]]:
        """For each death, the seconds until a job was completed again."""
        found: dict[str, list[float]] = {}
        for name, at in self.hits:
            later = [(completed - at).total_seconds() for completed in self.completions if completed > at]
            found.setdefault(name, []).extend(later[:1])
        return found

    def lines(self) -> list[str]:
        """A short table."""
        states = ", ".join(f"{number} {state}" for state, number in sorted(self.states.items()))
        lines = [f"{sum(self.states.values())} jobs: {states}; {len(self.hits)} deaths (seed {self.seed})"]
        times = Counter(name for name, _ in self.hits)
        for name, seconds in sorted(self.recoveries().items()):
            lines.append(
                f"  {name:24} {times[name]:3} x   the next job completed after {max(seconds, default=0):5.1f} s"
            )
        return lines + [f"  VIOLATION: {sentence}" for sentence in self.violations]


def soak(arena: Arena, deaths: Mapping[str, Death], seconds: float, seed: int, accounts: int = 3) -> Report:
    """Let deaths fall on the installation for that long, under load; then wait until all has ended, and look."""
    report, chance, over = Report(seed), random.Random(seed), threading.Event()
    clients = [arena.new_client() for _ in range(accounts)]
    with ThreadPoolExecutor(accounts) as pool:
        using = [pool.submit(_use, client, random.Random(seed + n), over) for n, client in enumerate(clients)]
        try:
            _strike(arena, deaths, time.monotonic() + seconds, chance, report)
        finally:
            over.set()
    arena.installation.up()
    report.violations += _failures(using)
    try:
        arena.settle(_SETTLE_SECONDS)
    except AssertionError:
        report.violations += [f"{job_id} does not settle" for job_id in arena.unsettled()] + arena.violations()
    _count(arena, clients, report)
    return report


def _strike(arena: Arena, deaths: Mapping[str, Death], end: float, chance: random.Random, report: Report) -> None:
    names = sorted(deaths)
    while time.monotonic() < end:
        name = chance.choice(names)
        report.hits.append((name, datetime.now(UTC)))
        deaths[name](arena, chance)
        time.sleep(chance.uniform(*_PAUSES))


def _use(client: Client, chance: random.Random, over: threading.Event) -> None:
    """Be an ordinary account: more looking than creating, and now and then a change of mind."""
    while not over.wait(chance.uniform(0.05, 0.4)):
        running = [job_id for job_id in client.jobs[-2 * _MOST_AT_ONCE :] if client.look(job_id) in client.ACTIVE]
        if len(running) < _MOST_AT_ONCE and chance.random() < 0.6:
            client.create()
        elif client.jobs:
            act = chance.choices([client.look, client.download, client.cancel, client.delete], [6, 4, 1, 1])[0]
            act(chance.choice(client.jobs))


def _failures(using: Sequence[Future[None]]) -> list[str]:
    raised = [future.exception() for future in using]
    return [f"a client was never answered: {error!r}" for error in raised if error]


def _count(arena: Arena, clients: Sequence[Client], report: Report) -> None:
    accounts = ", ".join(f"'{client.account_id}'" for client in clients)
    query = f"SELECT concat_ws(' ', state, error_code), completed_at FROM jobs WHERE account_id IN ({accounts})"
    rows = arena.installation.sql(query)
    report.states = Counter(end for end, _ in rows)
    report.completions = sorted(at for end, at in rows if end == "completed")

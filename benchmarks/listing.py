"""What a page of ten videos costs an account that has 10,000, against one that has ten.

    python -m benchmarks.listing [--rounds 300]

Both accounts are asked in turn, in this process and over the same PostgreSQL, one request at a time; the large one for
its first page and for one in the middle. The jobs are planted, each with a sealed prompt, and all are at their end; the
measurement waits for PostgreSQL to have gathered its statistics of them, as it does by itself within two minutes.
"""

import argparse
import asyncio
import json
import time
from dataclasses import dataclass, field
from statistics import median
from typing import Any

import httpx
from sqlalchemy import Connection, select, text, update

from benchmarks._application import application, client_of
from benchmarks._boundless import BOUNDLESS
from cluster import clock
from cluster.ids import new_id
from cluster.records import accounts, jobs
from cluster.records.job_states import JobState, Priority
from cluster.records.jobs import NewJob
from cluster.storage.keys import KeyStore
from serve.ingress.services import Services

WANTED = 2.0
MANY, FEW = 10_000, 10
CHUNK = 1_000
PATIENCE = 180


@dataclass
class Lister:
    """Somebody who has ``count`` videos and asks for ten of them."""

    client: httpx.AsyncClient
    headers: dict[str, str]
    account_id: str
    count: int
    times: list[float] = field(default_factory=list)

    async def page(self, after: str | None = None) -> float:
        """Milliseconds of one page."""
        query = {"limit": str(FEW)} | ({"after": after} if after else {})
        started = time.perf_counter()
        answer = await self.client.get("/v1/videos", params=query, headers=self.headers)
        spent = 1000 * (time.perf_counter() - started)
        assert len(answer.raise_for_status().json()["data"]) == FEW
        return spent


def plant(connection: Connection, keys: KeyStore, account_id: str, count: int) -> None:
    """Give an account completed jobs, by the statements that every create uses."""
    account = accounts.lock(connection, account_id)
    assert account is not None
    for _ in range(count):
        job = NewJob(
            id=new_id("video"),
            account_id=account.id,
            epoch=account.epoch,
            model="default",
            purposes=("ai_processing",),
            consent_snapshot={},
            parameters={"seconds": 4.0, "fps": 24, "camera": "auto"},
            facts={"video": {"width": 832, "height": 480}},
            prompt="a slow push in, a calm morning",
            price=20,
            api_key_id=None,
            subject_lookup=None,
            priority=Priority.NORMAL,
        )
        jobs.create(connection, keys, job)
    ended = {"state": JobState.COMPLETED, "completed_at": clock.now()}
    connection.execute(update(jobs.jobs).where(jobs.jobs.c.account_id == account.id).values(ended))


async def lister(services: Services, client: httpx.AsyncClient, count: int) -> Lister:
    """A new account with so many videos."""
    person = (await client.post("/v1/accounts")).raise_for_status().json()
    for done in range(0, count, CHUNK):
        await services.resources.database.run(
            plant, services.resources.keys, person["account_id"], min(CHUNK, count - done)
        )
    return Lister(client, {"authorization": f"Bearer {person['api_key']}"}, person["account_id"], count)


async def until_analysed(services: Services) -> None:
    """Wait for PostgreSQL's own statistics of the jobs."""

    def analysed(connection: Connection) -> bool:
        query = "SELECT last_autoanalyze IS NOT NULL FROM pg_stat_user_tables WHERE relname = 'jobs'"
        return bool(connection.execute(text(query)).scalar_one())

    for _ in range(PATIENCE):
        if await services.resources.database.run(analysed):
            return
        await asyncio.sleep(1)
    raise SystemExit("PostgreSQL has gathered no statistics")


async def measure(services: Services, rounds: int) -> dict[str, Any]:
    """Medians in milliseconds and their ratios."""
    client = client_of(services)
    many, few = await lister(services, client, MANY), await lister(services, client, FEW)
    query = select(jobs.jobs.c.id).where(jobs.jobs.c.account_id == many.account_id).order_by(jobs.jobs.c.id)
    middle = await services.resources.database.run(
        lambda connection: connection.execute(query.offset(MANY // 2).limit(1)).scalar_one()
    )
    await until_analysed(services)
    for warm in (many, few):
        await warm.page()
    trials = [(await many.page(), await few.page(), await many.page(middle)) for _ in range(rounds)]
    first, small, inner = (median(side) for side in zip(*trials, strict=True))
    return {
        "rounds": rounds,
        "ms_of_ten_thousand": round(first, 2),
        "ms_in_their_middle": round(inner, 2),
        "ms_of_ten": round(small, 2),
        "ratio": round(first / small, 2),
        "ratio_in_the_middle": round(inner / small, 2),
    }


async def run(rounds: int) -> dict[str, Any]:
    """Measure in an application of its own."""
    async with application(**BOUNDLESS) as services:
        return await measure(services, rounds)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=300)
    print(json.dumps({"wanted": f"<= {WANTED}"} | asyncio.run(run(parser.parse_args().rounds)), indent=2))


if __name__ == "__main__":
    main()

"""How many reads of a video's status 32 clients get, against the same application behind Serve's default proxy.

    python -m benchmarks.status_reads [--rounds 4] [--seconds 5]

Two clusters run side by side, one behind the edge (HAProxy) and one with `ray.haproxy` off, and are asked in turn.
Both let the caller in and write each access down. The clients run in this process and share its cores with both.
"""

import argparse
import asyncio
import json
import time
from statistics import median
from typing import Any

import aiohttp
import httpx

from benchmarks._boundless import BOUNDLESS
from benchmarks._cluster import cluster
from tests.photos import jpeg, person

WANTED = 3.0
CLIENTS = 32


def video(url: str) -> tuple[str, str]:
    """A key, and the path of a video that is at its end."""
    key = httpx.post(f"{url}/v1/accounts", json={}, timeout=60).raise_for_status().json()["api_key"]
    with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=60) as client:
        photo = {"input_reference": jpeg(person())}
        job = client.post("/v1/videos", data={"seconds": "20"}, files=photo).raise_for_status().json()
        client.post(f"/v1/videos/{job['id']}/cancel").raise_for_status()
    return key, f"/v1/videos/{job['id']}"


async def reads(url: str, key: str, path: str, seconds: float) -> float:
    """Answered requests a second."""
    end, answered = time.perf_counter() + seconds, 0

    async def ask(session: aiohttp.ClientSession) -> None:
        nonlocal answered
        while time.perf_counter() < end:
            async with session.get(path) as answer:
                answer.raise_for_status()
                await answer.read()
            answered += 1

    headers = {"Authorization": f"Bearer {key}"}
    async with aiohttp.ClientSession(url, headers=headers, connector=aiohttp.TCPConnector(limit=CLIENTS)) as session:
        await asyncio.gather(*(ask(session) for _ in range(CLIENTS)))
    return answered / seconds


def measure(url: str, peer_url: str, rounds: int, seconds: float) -> dict[str, Any]:
    """Median requests a second of both, and the median of the rounds' ratios; the first round only warms."""
    ours, theirs = (url, *video(url)), (peer_url, *video(peer_url))
    pairs = [(asyncio.run(reads(*ours, seconds)), asyncio.run(reads(*theirs, seconds))) for _ in range(rounds + 1)][1:]
    return {
        "clients": CLIENTS,
        "requests_a_second": round(median(mine for mine, _ in pairs)),
        "peer_requests_a_second": round(median(other for _, other in pairs)),
        "ratio": round(median(mine / other for mine, other in pairs), 2),
        "wanted": f">= {WANTED}",
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=5.0)
    asked = parser.parse_args()
    with cluster(**BOUNDLESS) as ours, cluster(**BOUNDLESS, I2V_RAY_HAPROXY="false") as peer:
        print(json.dumps(measure(ours.url, peer.url, asked.rounds, asked.seconds), indent=2))


if __name__ == "__main__":
    main()

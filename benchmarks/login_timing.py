"""Whether the time of a refused login tells an unknown e-mail from a wrong password.

    python -m benchmarks.login_timing [--logins 5000] [--wrong 200]

Good logins, and among them wrong ones in random order, half with an e-mail that nobody has, half with a wrong password
of somebody. Prints the two-sided Mann-Whitney test of the two kinds of refusal, and how fine it is: refusals of both
kinds are dealt into two heaps at random, and to one of them is added the smallest time that the same test then finds.
"""

import argparse
import asyncio
import json
import random
import time
from statistics import median
from typing import Any

import httpx
from scipy.stats import mannwhitneyu

from benchmarks._application import application, client_of

PEOPLE = 20
NOISE = 0.01
PLANTED_MS = (0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0)


async def seconds(client: httpx.AsyncClient, body: dict[str, str], status: int) -> float:
    """How long one login takes, after its status was seen to be as expected."""
    started = time.perf_counter()
    answer = await client.post("/v1/sessions", json=body)
    taken = time.perf_counter() - started
    if answer.status_code != status:
        raise SystemExit(f"a login was answered {answer.status_code}")
    client.cookies.clear()
    return taken


async def run(logins: int, wrong: int) -> dict[str, Any]:
    """Measure in an application of its own."""
    limits = {f"I2V_ACCOUNTS_{name}": "1000000" for name in ("FAILED_LOGINS", "FAILED_LOGINS_PER_ADDRESS")}
    async with application(**limits) as services:
        client = client_of(services)
        people = [{"email": f"person{n}@quux.example", "password": f"password of {n}"} for n in range(PEOPLE)]
        for person in people:
            (await client.post("/v1/accounts", json=person)).raise_for_status()
        kinds = ["good"] * (logins - wrong) + ["unknown_email", "wrong_password"] * (wrong // 2)
        random.Random(7).shuffle(kinds)
        times: dict[str, list[float]] = {kind: [] for kind in set(kinds)}
        for number, kind in enumerate(kinds):
            body, status = dict(people[number % PEOPLE]), 201
            if kind == "unknown_email":
                body, status = body | {"email": f"nobody{number % PEOPLE}@quux.example"}, 401
            elif kind == "wrong_password":
                body, status = body | {"password": f"another of {number % PEOPLE}"}, 401
            times[kind].append(1000 * await seconds(client, body, status))
    return report(times)


def report(times: dict[str, list[float]]) -> dict[str, Any]:
    """Medians in milliseconds, and the test with its control."""
    unknown, wrong = times["unknown_email"], times["wrong_password"]
    found = mannwhitneyu(unknown, wrong)
    return {
        "logins": sum(map(len, times.values())),
        "median_ms": {kind: round(median(values), 2) for kind, values in sorted(times.items())},
        "mann_whitney": {"u": float(found.statistic), "p": round(float(found.pvalue), 4)},
        "smallest_planted_difference_found_ms": smallest_found(unknown + wrong),
        "difference": "none beyond noise" if found.pvalue > NOISE else "found",
    }


def smallest_found(values: list[float]) -> float | None:
    """The smallest of `PLANTED_MS` that the test finds when it is added to a random half; None: none of them."""
    dealt = random.Random(11).sample(values, len(values))
    one, other = dealt[::2], dealt[1::2]
    found = (ms for ms in PLANTED_MS if mannwhitneyu(one, [value + ms for value in other]).pvalue <= NOISE)
    return next(found, None)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--logins", type=int, default=5000)
    parser.add_argument("--wrong", type=int, default=200)
    chosen = parser.parse_args()
    print(json.dumps(asyncio.run(run(chosen.logins, chosen.wrong)), indent=2))


if __name__ == "__main__":
    main()

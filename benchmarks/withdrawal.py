"""From the answer to a withdrawal to the last byte of a photo that was being sent.

    python -m benchmarks.withdrawal [--rounds 40] [--recipient kling]

Each round sends a photo of several megabytes to an emulated third party that reads slowly, so that the photo is on its
way for seconds; at a random moment of that its owner withdraws, and the withdrawal is committed and answered. The
emulator notes when it read each byte; a round without a byte after the answer counts as nought.
"""

import argparse
import asyncio
import json
import random
import time
from collections.abc import Callable
from statistics import median

import numpy as np

from benchmarks._handing_over import upstream
from cluster import clock
from serve.egress.recipients import RecipientChannel
from tests.handing_over import HandingOver

WANTED = 2.0
NOISE = np.random.default_rng(5).integers(0, 256, (1500, 2400, 3), dtype=np.uint8)
"""Several megabytes, whatever codes it."""
RATES = (100_000, 400_000, 1_000_000)
"""Bytes a second that the emulator reads."""


def one_round(made: HandingOver, chance: random.Random) -> tuple[float, bool]:
    """Seconds from the answer to the last byte that was received, and whether the photo was still being sent then."""
    account = made.somebody(10_000)
    job = made.job(account, NOISE)
    made.hand_over()
    made.server.throttle(chance.choice(RATES))
    answered = list[float]()

    async def use(channel: RecipientChannel) -> None:
        await channel.step_due()
        before = len(made.server.record.all_bytes())
        await asyncio.to_thread(_until, lambda: len(made.server.record.all_bytes()) > before)
        await asyncio.sleep(chance.uniform(0, 2))
        await asyncio.to_thread(made.answer, account, False)
        answered.append(clock.monotonic())
        await channel.drain()
        await asyncio.sleep(WANTED + 1)

    made.work(use)
    last, lines = made.server.record.last_at(), made.lines()
    assert last is not None
    return max(0.0, last - answered[0]), lines[-1].outcome == "cut" and made.submission(job).failure is not None


def _until(so: Callable[[], bool]) -> None:
    while not so():
        time.sleep(0.02)


def main() -> None:
    """Print median and maximum."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rounds", type=int, default=40)
    arguments.add_argument("--recipient", default="kling")
    options = arguments.parse_args()
    chance = random.Random(7)
    with upstream(options.recipient) as made:
        made.per_minute = 100_000
        found = [one_round(made, chance) for _ in range(options.rounds)]
    seconds = [each for each, was_cut in found if was_cut]
    middle, most = median(seconds), max(each for each, _ in found)
    print(
        f"withdrawal answered to last byte received, {len(seconds)} cut of {len(found)}: median {middle:.2f} s, most"
        f" {most:.2f} s; wanted at most {WANTED:g} s"
    )
    print(json.dumps({"benchmark": "withdrawal", "median": middle, "max": most, "rounds": len(found)}))


if __name__ == "__main__":
    main()

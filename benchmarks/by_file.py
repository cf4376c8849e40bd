"""Creating a video of a file that is kept already, against sending the photo's bytes again.

    python -m benchmarks.by_file [--rounds 100]

Both answer in this process over the same PostgreSQL, in turn, one request at a time, for the same 12-megapixel JPEG.
"""

import argparse
import asyncio
import json
import time
from statistics import median
from typing import Any

import cv2
import httpx
import numpy as np

from benchmarks._application import application, client_of
from benchmarks._boundless import BOUNDLESS
from serve.ingress.services import Services
from tests.photos import building, jpeg

SIZE = (4000, 3000)


async def timed(client: httpx.AsyncClient, **request: Any) -> float:
    """Milliseconds until the job is accepted; then it is taken back."""
    started = time.perf_counter()
    answer = await client.post("/v1/videos", **request)
    spent = 1000 * (time.perf_counter() - started)
    await client.post(f"/v1/videos/{answer.raise_for_status().json()['id']}/cancel")
    return spent


async def measure(services: Services, rounds: int) -> dict[str, Any]:
    """Medians in milliseconds and their ratio; the first of each only warms."""
    client = client_of(services)
    key = (await client.post("/v1/accounts")).raise_for_status().json()["api_key"]
    client.headers["authorization"] = f"Bearer {key}"
    photo = jpeg(np.asarray(cv2.resize(building(), SIZE, interpolation=cv2.INTER_CUBIC), np.uint8))
    stored = await client.post("/v1/files", data={"purpose": "vision"}, files={"file": photo})
    reference = {"input_reference": {"file_id": stored.raise_for_status().json()["id"]}}
    pairs = [
        (await timed(client, json=reference), await timed(client, files={"input_reference": photo}))
        for _ in range(rounds + 1)
    ][1:]
    ours, theirs = (median(side) for side in zip(*pairs, strict=True))
    return {
        "rounds": rounds,
        "photo_bytes": len(photo),
        "by_file_ms": round(ours, 1),
        "by_bytes_ms": round(theirs, 1),
        "ratio": round(ours / theirs, 2),
    }


async def run(rounds: int) -> dict[str, Any]:
    """Measure in an application of its own."""
    async with application(**BOUNDLESS) as services:
        return await measure(services, rounds)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=100)
    print(json.dumps(asyncio.run(run(parser.parse_args().rounds)), indent=2))


if __name__ == "__main__":
    main()

"""What it takes to accept a photo of one megabyte, against a bare server that reads, hashes and fsyncs the same body.

    python -m benchmarks.accept_path [--rounds 200]

Both are FastAPI applications behind uvicorn, each in a process of its own, asked in turn by one client. Ours lets the
caller in and writes the access down, parses the form, looks through the photo, asks the consent gate, seals the photo
to the disk and commits the job with its reservation; its PostgreSQL is as durable as a real one.
"""

import argparse
import hashlib
import json
import os
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import median
from typing import Any
from uuid import uuid4

import cv2
import httpx
import numpy as np
from fastapi import FastAPI, Request
from starlette.concurrency import run_in_threadpool

from benchmarks._application import application
from benchmarks._boundless import BOUNDLESS
from benchmarks._server import served
from serve.ingress.api import create_api
from tests.photos import building, jpeg

WANTED = 3.0
FORM = {"prompt": "a slow orbit", "seconds": "1"}


@asynccontextmanager
async def ours() -> AsyncIterator[FastAPI]:
    """The ingress."""
    async with application(**BOUNDLESS) as services:
        yield create_api(services)


@asynccontextmanager
async def bare() -> AsyncIterator[FastAPI]:
    """The peer."""
    app = FastAPI()
    with tempfile.TemporaryDirectory(prefix="i2v-", dir="/tmp") as folder:

        def keep(body: bytes) -> str:
            digest = hashlib.sha256(body).hexdigest()
            with (Path(folder) / uuid4().hex).open("wb") as file:
                file.write(body)
                file.flush()
                os.fsync(file.fileno())
            return digest

        @app.post("/v1/videos")
        async def create(request: Request) -> dict[str, str]:
            return {"digest": await run_in_threadpool(keep, await request.body())}

        yield app


def photo() -> bytes:
    """A JPEG of about a megabyte."""
    return jpeg(np.asarray(cv2.resize(building(), (2400, 1600), interpolation=cv2.INTER_CUBIC), np.uint8))


def posted(client: httpx.Client, data: bytes) -> tuple[float, Any]:
    """Milliseconds of one POST, and its answer."""
    started = time.perf_counter()
    answer = client.post("/v1/videos", data=FORM, files={"input_reference": data}).raise_for_status()
    return 1000 * (time.perf_counter() - started), answer.json()


def measure(client: httpx.Client, peer: httpx.Client, rounds: int) -> dict[str, Any]:
    """Medians in milliseconds, and the median of their ratios. Each job is cancelled: the queue stays short."""
    data, pairs = photo(), []
    for _ in range(rounds + 5):
        mine, job = posted(client, data)
        client.post(f"/v1/videos/{job['id']}/cancel").raise_for_status()
        pairs.append((mine, posted(peer, data)[0]))
    warm = pairs[5:]
    return {
        "bytes": len(data),
        "rounds": rounds,
        "ms": round(median(mine for mine, _ in warm), 2),
        "peer_ms": round(median(theirs for _, theirs in warm), 2),
        "ratio": round(median(mine / theirs for mine, theirs in warm), 2),
        "wanted": f"<= {WANTED}",
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=200)
    rounds = parser.parse_args().rounds
    with served(ours) as url, served(bare) as peer_url:
        key = httpx.post(f"{url}/v1/accounts", json={}, timeout=60).raise_for_status().json()["api_key"]
        headers = {"Authorization": f"Bearer {key}"}
        with httpx.Client(base_url=url, headers=headers) as client, httpx.Client(base_url=peer_url) as peer:
            print(json.dumps(measure(client, peer, rounds), indent=2))


if __name__ == "__main__":
    main()

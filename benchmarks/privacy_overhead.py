"""What gate, access log and sealed columns cost a request, against the same routes without them.

    python -m benchmarks.privacy_overhead [--rounds 300]

Both answer in this process over the same PostgreSQL, in turn, one request at a time. The peer finds the caller by the
same key and does everything else the same; it writes no access down, asks no gate and leaves prompts
as they are.
"""

import argparse
import asyncio
import json
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from statistics import median
from typing import Any
from unittest.mock import patch

import httpx
from sqlalchemy import Connection

from benchmarks._application import application, client_of
from cluster.records import api_keys
from cluster.records.principals import Principal
from cluster.storage.keys import KeyStore
from cluster.storage.openings import Opening
from serve.ingress import gate
from serve.ingress.door import Door, Knock, Visitor
from serve.ingress.quotas import Asking, Granted, grant
from serve.ingress.services import Services
from tests.photos import jpeg, person

WANTED = 1.3


class OpenDoor(Door):
    """Finds the caller, counts what they ask for, and writes no access down."""

    async def enter(self, knock: Knock) -> Visitor:
        """Who it is."""
        principal, granted = await self._database.run(self._known, knock)
        fields = {name: getattr(principal, name) for name in principal.__dataclass_fields__}
        opening = Opening(principal.account_id, "benchmark", knock.action)
        return Visitor(**fields, opening=opening, allowance=granted.allowance, stream_id=granted.stream_id)

    def _known(self, connection: Connection, knock: Knock) -> tuple[Principal, Granted]:
        lookup = api_keys.lookup(self._keys, knock.token)
        principal = api_keys.authenticate(connection, [lookup])[lookup]
        granted = grant(connection, self._limits, {0: Asking(principal.account_id, knock.kind, knock.streams)})[0]
        if not isinstance(granted, Granted):
            raise granted
        return principal, granted


def _no_gate(_: Connection, *arguments: object) -> dict[str, Any]:
    return {}


@contextmanager
def unguarded() -> Iterator[None]:
    """Take the gate and the sealing of columns away."""
    with (
        patch.object(gate, "check", _no_gate),
        patch.object(KeyStore, "seal_text", lambda _, account_id, text, context: text.encode()),
        patch.object(KeyStore, "open_text", lambda _, opening, sealed, context: sealed.decode()),
    ):
        yield


class Side:
    """Somebody with a key who uses one of the two applications."""

    def __init__(self, client: httpx.AsyncClient, key: str, guard: Callable[[], AbstractContextManager[None]]) -> None:
        """Requests are made within ``guard``."""
        self._client, self._headers, self._guard = client, {"authorization": f"Bearer {key}"}, guard
        self.times: dict[str, list[float]] = {"create": [], "read": []}

    async def turn(self, photo: bytes) -> None:
        """Create a video, read it, and take it back."""
        with self._guard():
            form = {"prompt": "a slow orbit", "seconds": "1"}
            made = await self._timed("create", "POST", "/v1/videos", data=form, files={"input_reference": photo})
            path = f"/v1/videos/{made.json()['id']}"
            await self._timed("read", "GET", path)
            await self._client.post(f"{path}/cancel", headers=self._headers)

    async def _timed(self, name: str, method: str, path: str, **content: Any) -> httpx.Response:
        started = time.perf_counter()
        answer = await self._client.request(method, path, headers=self._headers, **content)
        self.times[name].append(1000 * (time.perf_counter() - started))
        return answer.raise_for_status()


async def measure(services: Services, rounds: int) -> dict[str, Any]:
    """Medians in milliseconds, and their ratio, for a create and for a read."""
    resources = services.resources
    bare = replace(services, door=OpenDoor(resources.database, resources.keys, resources.settings.admission))
    guarded = client_of(services)
    key = (await guarded.post("/v1/accounts")).json()["api_key"]
    ours, peer = Side(guarded, key, nullcontext), Side(client_of(bare), key, unguarded)
    photo = jpeg(person())
    for turn in range(rounds):
        for side in (ours, peer) if turn % 2 else (peer, ours):
            await side.turn(photo)
    result: dict[str, Any] = {"rounds": rounds}
    for name in ours.times:
        mine, theirs = median(ours.times[name]), median(peer.times[name])
        result[name] = {"ms": round(mine, 2), "peer_ms": round(theirs, 2), "ratio": round(mine / theirs, 3)}
    return result


async def run(rounds: int) -> dict[str, Any]:
    """Measure in an application of its own."""
    async with application(
        I2V_CREDITS_SIGN_UP_GRANT="1000000000", I2V_ADMISSION_CREATES_PER_MINUTE="1000000"
    ) as services:
        return await measure(services, rounds)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=300)
    print(json.dumps({"wanted": f"<= {WANTED}"} | asyncio.run(run(parser.parse_args().rounds)), indent=2))


if __name__ == "__main__":
    main()

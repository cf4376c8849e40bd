"""What the way out costs a photo: gate, record, encoding anew and hand-over, against the bare call to the same server.

    python -m benchmarks.egress_overhead [--rounds 40] [--recipient kling] [--answer-seconds 1]

Both send the same bytes to the same emulated third party, in turn, each over a connection of its own: the peer by httpx
alone. The emulator is asked twice: as it is, answering at once, and taking as long over its answer as a company does
that stores a photo before it answers.
"""

import argparse
import json
import secrets
import time
from collections.abc import Mapping
from statistics import median

import httpx

from benchmarks._handing_over import photo_of, upstream
from serve.egress.recipients import RecipientChannel
from tests.emulators.script import Endpoint, Fault
from tests.handing_over import HandingOver

WANTED = 1.15
PHOTO = photo_of(2100, 1400)


class Sender:
    """Sends jobs by the channel, and the bytes of the last one again by hand."""

    def __init__(self, made: HandingOver, account: str, answer_seconds: float) -> None:
        """The emulator takes ``answer_seconds`` over each answer."""
        self._made, self._account, self._seconds = made, account, answer_seconds

    async def by_the_channel(self, channel: RecipientChannel) -> float:
        """Seconds from the submission's turn to its being submitted."""
        job = self._made.job(self._account, PHOTO)
        self._made.hand_over()
        self._wait()
        began = time.perf_counter()
        await channel.step_due()
        await channel.drain()
        seconds = time.perf_counter() - began
        if self._made.submission(job).state != "submitted":
            raise SystemExit(f"the submission is {self._made.submission(job).state}")
        self._made.world.sql("UPDATE submissions SET state = 'failed', due_at = NULL WHERE job_id = :job", job=job)
        return seconds

    async def by_hand(self, url: str, headers: Mapping[str, str], body: bytes) -> float:
        """Seconds that the bare call takes."""
        self._wait()
        began = time.perf_counter()
        async with httpx.AsyncClient() as client:
            (await client.post(url, headers=headers, content=body)).raise_for_status()
        return time.perf_counter() - began

    def _wait(self) -> None:
        if self._seconds:
            self._made.emulator.script.add(Endpoint.CREATE, Fault.SLOW, amount=self._seconds)


def request_of(made: HandingOver) -> tuple[str, dict[str, str], bytes]:
    """URL, headers and body of the last request that was received."""
    head, _, _ = (
        made.server.record.all_bytes().rpartition(b"\r\n\r\n")[0].rpartition(b"POST ")[2].partition(b"\r\n\r\n")
    )
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
    dropped = ("host", "content-length", "connection")
    kept = {name: value for name, value in headers.items() if name not in dropped}
    return made.server.url + first.split(" ")[0], kept, bytes(made.server.record.bodies[-1])


def measured(made: HandingOver, rounds: int, answer_seconds: float) -> dict[str, float]:
    """Medians of both, in milliseconds, and their ratio."""
    sender = Sender(made, made.somebody(10_000), answer_seconds)
    ours, bare = list[float](), list[float]()

    async def use(channel: RecipientChannel) -> None:
        await sender.by_the_channel(channel)
        url, headers, body = request_of(made)
        name = made.lines()[-1].submission_id.encode()
        for _ in range(rounds):
            ours.append(await sender.by_the_channel(channel))
            bare.append(await sender.by_hand(url, headers, body.replace(name, secrets.token_hex(16).encode())))

    made.work(use)
    mine, peer = 1000 * median(ours), 1000 * median(bare)
    return {"answer_seconds": answer_seconds, "ms": mine, "peer_ms": peer, "ratio": mine / peer}


def main() -> None:
    """Print the medians and their ratios."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rounds", type=int, default=40)
    arguments.add_argument("--recipient", default="kling")
    arguments.add_argument("--answer-seconds", type=float, default=1.0)
    options = arguments.parse_args()
    with upstream(options.recipient) as made:
        made.per_minute = 100_000
        found = [measured(made, options.rounds, seconds) for seconds in (0.0, options.answer_seconds)]
        size = len(made.server.record.bodies[-1])
    for each in found:
        print(
            f"{size / 1e6:.1f} MB to a server that takes {each['answer_seconds']:g} s: {each['ms']:.0f} ms against"
            f" {each['peer_ms']:.0f} bare, {each['ratio']:.2f} ×; wanted at most {WANTED} ×"
        )
    print(json.dumps({"benchmark": "egress_overhead", "bytes": size, "rounds": options.rounds, "found": found}))


if __name__ == "__main__":
    main()

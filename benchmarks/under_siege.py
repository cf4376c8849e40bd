"""What junk bodies, stalled downloads and event streams by the hundred cost the service, and who uses it meanwhile.

    python -m benchmarks.under_siege [--streams 500] [--downloads 50] [--rounds 20]

Starts a cluster of its own and ends it. Growth is that of the resident memory of the edge, Serve's proxies and the
ingress together: the sum of what each had at its worst while the siege lasted. The usual time of a POST is taken right
before, while the same videos are made in the background.
"""

import argparse
import json
import re
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from itertools import chain, repeat
from pathlib import Path
from statistics import median
from typing import Any

import httpx
import numpy as np

from benchmarks._boundless import BOUNDLESS
from benchmarks._cluster import Started, cluster
from cluster import runtime
from cluster.runtime.control import processes_of
from tests.photos import jpeg, person

WANTED_MB, WANTED_RATIO = 64, 2.0
WATCHERS = 10
JUNK_BYTES = 200 << 20
PIECE = bytes(1 << 20)
HEAD = b'--x\r\ncontent-disposition: form-data; name="input_reference"; filename="x"\r\n\r\n'
ONE_CORE = {"I2V_STAGES_GENERATION_THREADS": "1"}
"""The others are left for those who ask."""
WATCHED = ("haproxy", "ray::ProxyActor", "ray::ServeReplica:default:Ingress")


class Memory:
    """What each process that a request goes through has had resident at most since `reset`; the kernel counts."""

    def __init__(self, where: runtime.Paths) -> None:
        """Find them."""
        commands = {each.pid: Path(f"/proc/{each.pid}/cmdline").read_bytes() for each in processes_of(where)}
        self.processes = {
            pid: name for pid, command in commands.items() for name in WATCHED if name.encode() in command
        }

    def reset(self) -> None:
        """Begin anew with what is resident now."""
        for pid in self.processes:
            Path(f"/proc/{pid}/clear_refs").write_text("5")

    def peaks_mb(self) -> dict[int, float]:
        """The most of each."""
        fields = {pid: Path(f"/proc/{pid}/status").read_text() for pid in self.processes}
        return {pid: int(re.findall(r"VmHWM:\s+(\d+) kB", text)[0]) / 1024 for pid, text in fields.items()}


class Somebody:
    """An account and its connections."""

    def __init__(self, url: str) -> None:
        """Open the account."""
        made = httpx.post(f"{url}/v1/accounts", json={}, timeout=60).raise_for_status().json()
        self._authorization = f"Bearer {made['api_key']}"
        self.client = httpx.Client(base_url=url, headers={"authorization": self._authorization}, timeout=120)
        self._place = httpx.URL(url).host, httpx.URL(url).port

    def create(self, photo: bytes, **fields: str) -> str:
        """Ask for a video."""
        answer = self.client.post("/v1/videos", data=fields, files={"input_reference": photo})
        return str(answer.raise_for_status().json()["id"])

    def timed_create(self, photo: bytes) -> float:
        """Milliseconds that a POST takes; what it asked for is taken back."""
        started = time.perf_counter()
        made = self.create(photo, prompt="orbit", seconds="1")
        milliseconds = 1000 * (time.perf_counter() - started)
        self.client.post(f"/v1/videos/{made}/cancel")
        return milliseconds

    def finish(self, video: str) -> None:
        """Wait until the video can be downloaded."""
        while (state := self.client.get(f"/v1/videos/{video}").raise_for_status().json()["status"]) != "completed":
            if state not in ("queued", "in_progress"):
                raise SystemExit(f"the video for the downloads is {state}")
            time.sleep(0.5)

    def begin(self, method: str, path: str, *headers: str) -> socket.socket:
        """Send a request, and take as little of its answer as a socket may."""
        connection = socket.socket()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(120)
        connection.connect(self._place)
        lines = [f"{method} {path} HTTP/1.1", "host: siege", f"authorization: {self._authorization}", *headers]
        connection.sendall("\r\n".join([*lines, "", ""]).encode())
        return connection


def status_of(connection: socket.socket) -> int:
    """The status of the answer that has begun."""
    return int(connection.recv(12).split()[1])


def junk(somebody: Somebody, *, declared: bool) -> int:
    """Send 200 MB of nothing as a photo, with its length in the header or without; the status of the answer."""
    length = f"content-length: {JUNK_BYTES}" if declared else "transfer-encoding: chunked"
    with somebody.begin("POST", "/v1/videos", "content-type: multipart/form-data; boundary=x", length) as connection:
        pieces = chain([HEAD], repeat(PIECE, JUNK_BYTES // len(PIECE)))
        with suppress(ConnectionError):
            for piece in pieces:
                connection.sendall(piece if declared else b"%x\r\n%b\r\n" % (len(piece), piece))
        try:
            return status_of(connection)
        except (ConnectionError, IndexError):
            return 0


@contextmanager
def besieged(owner: Somebody, film: str, watched: list[tuple[Somebody, str]], downloads: int) -> Iterator[None]:
    """Streams that are followed, and downloads that nobody takes."""
    wanted = [(who, f"/v1/videos/{video}/events") for who, video in watched]
    wanted += [(owner, f"/v1/videos/{film}/content")] * downloads
    with ExitStack() as stack:
        for who, path in wanted:
            if (status := status_of(stack.enter_context(who.begin("GET", path)))) != 200:
                raise SystemExit(f"the siege was refused: {status}")
        yield


def measure(started: Started, streams: int, downloads: int, rounds: int) -> dict[str, Any]:
    """The POST's time before and meanwhile, and the growth."""
    noise = jpeg(np.random.default_rng(1).integers(0, 255, (480, 832, 3), np.uint8))
    photo = jpeg(person())
    owner, poster, vandal, *watchers = (Somebody(started.url) for _ in range(3 + WATCHERS))
    film = owner.create(noise, seconds="4", size="832x480", camera="pan_left")
    owner.finish(film)
    videos = [(who, who.create(photo, seconds="20", fps="60", size="832x480")) for who in watchers]
    usual = [poster.timed_create(photo) for _ in range(rounds + 3)][3:]
    followed = [videos[number % WATCHERS] for number in range(streams)]
    memory = Memory(started.where)
    memory.reset()
    before = memory.peaks_mb()
    with ThreadPoolExecutor(2) as threads, besieged(owner, film, followed, downloads):
        answers = [threads.submit(junk, vandal, declared=declared) for declared in (True, False)]
        meanwhile = [poster.timed_create(photo) for _ in range(rounds)]
        refused = [answer.result() for answer in answers]
    after = memory.peaks_mb()
    growth = {pid: after[pid] - before[pid] for pid in before}
    return {
        "growth_mb": round(sum(growth.values()), 1),
        "growth_by_process_mb": [(memory.processes[pid], round(grown, 1)) for pid, grown in growth.items()],
        "download_mb": round(len(owner.client.get(f"/v1/videos/{film}/content").content) / (1 << 20), 1),
        "post_ms": round(median(meanwhile), 1),
        "usual_post_ms": round(median(usual), 1),
        "ratio": round(median(meanwhile) / median(usual), 2),
        "junk_answers": refused,
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name, number in (("streams", 500), ("downloads", 50), ("rounds", 20)):
        parser.add_argument(f"--{name}", type=int, default=number)
    arguments = parser.parse_args()
    with cluster(**BOUNDLESS | ONE_CORE) as started:
        found = measure(started, arguments.streams, arguments.downloads, arguments.rounds)
    print(json.dumps({"wanted": f"< {WANTED_MB} MB, <= {WANTED_RATIO} x"} | found, indent=2))


if __name__ == "__main__":
    main()

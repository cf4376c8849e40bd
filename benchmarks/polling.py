"""What following 500 jobs at a third party costs the process that follows them.

    python -m benchmarks.polling [--jobs 500] [--seconds 120]

Starts a cluster of its own and an emulated third party. One job gets there by itself; the others are rows like its own,
whose tasks the emulator knows and never ends. Processor time and peak memory are those of the one outbound replica.
"""

import argparse
import json
import os
import re
import time
from pathlib import Path
from typing import Any

import httpx

from tests.cluster._installation import Installation
from tests.emulators.catalogue import find
from tests.emulators.emulator import Emulator
from tests.emulators.installed import settings_for
from tests.emulators.server import Server, serving
from tests.handing_over import MODELS
from tests.photos import flower, jpeg

WANTED_MB, WANTED_CORE = 300, 0.1
HOST, NAME, SHARE = "127.0.0.1", "kling", "share:kling"
NEVER = 10**9
COPY = """
INSERT INTO {table}
SELECT (jsonb_populate_record(NULL::{table}, to_jsonb(t) || jsonb_build_object({columns}))).*
FROM {table} t, generate_series(1, {number}) n WHERE {condition}
"""


def ordered(url: str) -> str:
    """Have somebody agree and order a video of the third party's model; its id."""
    made = httpx.post(f"{url}/v1/accounts", json={}, timeout=60).raise_for_status().json()
    with httpx.Client(base_url=url, headers={"authorization": f"Bearer {made['api_key']}"}, timeout=60) as client:
        session = client.post("/v1/sessions", json={"api_key": made["api_key"]}).raise_for_status().json()
        notices = client.get("/v1/notices").raise_for_status().json()["data"]
        (version,) = [each["version"] for each in notices if each["purpose"] == SHARE]
        answer = {"purpose": SHARE, "notice_version": version, "granted": True}
        fresh = {"authorization": f"Bearer {session['token']}"}
        client.post("/v1/consents", json=answer, headers=fresh).raise_for_status()
        fields = {"model": MODELS[NAME], "prompt": "slow waves", "people_agree": "true"}
        answered = client.post("/v1/videos", data=fields, files={"input_reference": jpeg(flower())})
        return str(answered.raise_for_status().json()["id"])


def multiply(installation: Installation, emulator: Emulator, job: str, number: int) -> None:
    """Make as many jobs of the one that was submitted, and as many tasks."""
    while not installation.sql(f"SELECT 1 FROM submissions WHERE job_id = '{job}' AND state = 'submitted'"):
        time.sleep(0.2)
    (task,) = emulator.tasks.all()
    for n in range(1, number + 1):
        emulator.tasks.create(f"9{n:017d}", task.model, task.prompt, task.photo, task.seconds, f"{n:032x}")
    name = "'video_' || lpad(n::text, 26, '0')"
    copies: dict[str, tuple[str, str]] = {
        "jobs": (f"'id', {name}", f"id = '{job}'"),
        "submissions": (
            f"'id', lpad(n::text, 32, '0'), 'job_id', {name}, 'task', '9' || lpad(n::text, 17, '0'), 'holder', null,"
            " 'due_at', now() + n * interval '10 milliseconds'",
            f"job_id = '{job}'",
        ),
    }
    for table, (columns, condition) in copies.items():
        installation.sql(COPY.format(table=table, columns=columns, number=number, condition=condition))


def core_seconds(pid: int) -> float:
    """Processor time that a process has had."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def followed(installation: Installation, server: Server, seconds: float) -> dict[str, Any]:
    """How much of a core the replica takes, its peak in MB, and how many polls it makes in a second."""
    pid = installation.process(":Outbound")
    Path(f"/proc/{pid}/clear_refs").write_text("5")
    polls, taken, began = _polls(server), core_seconds(pid), time.monotonic()
    time.sleep(seconds)
    lasted = time.monotonic() - began
    peak = int(re.findall(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())[0]) / 1024
    return {
        "core": (core_seconds(pid) - taken) / lasted,
        "mb": peak,
        "polls_per_second": (_polls(server) - polls) / lasted,
    }


def _polls(server: Server) -> int:
    return server.record.all_bytes().count(b"GET /v1/videos/image2video/")


def main() -> None:
    """Print what it takes with one job and with all of them."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--jobs", type=int, default=500)
    arguments.add_argument("--seconds", type=float, default=120)
    options = arguments.parse_args()
    emulator = find(NAME)(poll_steps=NEVER)
    installation = Installation("serve.app:build_app")
    try:
        with serving(emulator.app, host=HOST) as server:
            installation.environment |= settings_for(emulator, server.url, installation.paths.credentials, HOST)
            job = ordered(installation.up()["urls"]["api"])
            multiply(installation, emulator, job, 0)
            idle = followed(installation, server, options.seconds / 4)
            multiply(installation, emulator, job, options.jobs - 1)
            time.sleep(30)
            found = followed(installation, server, options.seconds)
    finally:
        installation.remove()
    print(
        f"{options.jobs} jobs followed: {100 * found['core']:.1f} % of a core, {found['mb']:.0f} MB,"
        f" {found['polls_per_second']:.1f} polls a second; one job: {100 * idle['core']:.1f} %, {idle['mb']:.0f} MB;"
        f" wanted below {100 * WANTED_CORE:g} % and {WANTED_MB} MB"
    )
    print(json.dumps({"benchmark": "polling", "jobs": options.jobs, "one": idle, "all": found}))


if __name__ == "__main__":
    main()

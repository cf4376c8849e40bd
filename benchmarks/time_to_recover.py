"""From SIGKILL of a generation replica to its job running again in another.

    python -m benchmarks.time_to_recover [--rounds 5]

Starts an installation of its own. Each round kills the replica in the middle of a job's frames, and waits until
another replica has taken the job's lease and reports its steps.
"""

import argparse
import json
import os
import signal
import time
from statistics import median

import httpx
import psycopg

from cluster import runtime
from tests.cluster._installation import Installation
from tests.photos import jpeg, person

WANTED = 10.0
HOLDER = "SELECT holder FROM leases WHERE job_id = %s AND stage = 'generation' AND step > 0"
POLL_SECONDS = 0.02
PATIENCE = 240.0


def holder(database: psycopg.Connection, job_id: str, besides: int = 0) -> int:
    """Wait until a replica other than that process makes the job's frames; its process."""
    give_up = time.monotonic() + PATIENCE
    while time.monotonic() < give_up:
        row = database.execute(HOLDER, [job_id]).fetchone()
        if row and (pid := int(row[0].partition("-")[0])) != besides:
            return pid
        time.sleep(POLL_SECONDS)
    raise SystemExit("the job does not run")


def recover(client: httpx.Client, database: psycopg.Connection) -> float:
    """Seconds from the death of a replica to its job running in another."""
    fields = {"prompt": "pan", "seconds": "20", "fps": "60", "size": "832x832"}
    photo = {"input_reference": jpeg(person())}
    job_id = client.post("/v1/videos", data=fields, files=photo).raise_for_status().json()["id"]
    killed = holder(database, job_id)
    os.kill(killed, signal.SIGKILL)
    died = time.monotonic()
    holder(database, job_id, besides=killed)
    seconds = time.monotonic() - died
    client.post(f"/v1/videos/{job_id}/cancel").raise_for_status()
    return seconds


def main() -> None:
    """Print median and maximum."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rounds", type=int, default=5)
    rounds = arguments.parse_args().rounds
    installation = Installation("serve.app:build_app")
    try:
        url = installation.up()["urls"]["api"]
        key = httpx.post(f"{url}/v1/accounts", json={}, timeout=30).raise_for_status().json()["api_key"]
        with (
            httpx.Client(base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=60) as client,
            psycopg.connect(runtime.owner_url(installation.settings), autocommit=True) as database,
        ):
            seconds = [recover(client, database) for _ in range(rounds)]
    finally:
        installation.remove()
    middle, most = median(seconds), max(seconds)
    print(f"replica killed to job running again: median {middle:.1f} s, most {most:.1f} s; wanted at most {WANTED:g} s")
    print(json.dumps({"benchmark": "time_to_recover", "median": middle, "max": most, "rounds": rounds}))


if __name__ == "__main__":
    main()

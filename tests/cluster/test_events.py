"""Events on the real cluster, through the edge: they come while the job runs, and end with the leave to hear them."""

import json
import time
from collections.abc import Iterator
from typing import Any, cast

import httpx
import pytest
from sqlalchemy import text

from tests.cluster.conftest import Account, RunningCluster
from tests.cluster.test_main_job import PARAMETERS
from tests.photos import jpeg, person


def begin(account: Account, seconds: int) -> str:
    """Ask for a video and do not wait."""
    video = account.openai.videos.create(
        prompt="a slow walk around her",
        seconds=cast("Any", str(seconds)),
        input_reference=("photo.jpg", jpeg(person())),
        extra_body=PARAMETERS,
    )
    return video.id


def told(lines: Iterator[str]) -> Iterator[dict[str, Any]]:
    """The data of each event."""
    for line in lines:
        if line.startswith("data: "):
            yield json.loads(line.removeprefix("data: "))


def test_events_come_while_the_job_runs(account: Account) -> None:
    video_id = begin(account, 4)
    seen, states = [], []
    with account.http.stream("GET", f"/v1/videos/{video_id}/events", timeout=60) as stream:
        assert stream.status_code == 200
        for event in told(stream.iter_lines()):
            seen.append(event)
            if event["status"] in ("queued", "in_progress"):
                states.append(account.http.get(f"/v1/videos/{video_id}").json()["status"])
    assert seen[-1]["type"] == "video.completed"
    assert states.count("in_progress") >= 2
    percents = [event["progress"] for event in seen]
    assert percents == sorted(percents)
    assert account.openai.videos.delete(video_id).deleted


def test_whoever_is_thrown_out_hears_nothing_more_after_two_seconds(account: Account) -> None:
    video_id = begin(account, 20)
    with (
        account.login() as inside,
        account.http.stream("GET", f"/v1/videos/{video_id}/events", timeout=60) as stream,
    ):
        events = told(stream.iter_lines())
        assert next(events)["id"] == video_id
        assert inside.post("/v1/access-history/revoke-others").json()["revoked_keys"] == 1
        began = time.monotonic()
        with pytest.raises(httpx.RemoteProtocolError):
            list(events)
        assert time.monotonic() - began <= 2
        assert inside.delete(f"/v1/videos/{video_id}").status_code == 200


def test_whoever_hangs_up_on_a_waiting_create_frees_its_room(account: Account, cluster: RunningCluster) -> None:
    def mine(table: str) -> int:
        with cluster.database.transaction() as connection:
            query = text(f"SELECT count(*) FROM {table} WHERE account_id = :account")
            return int(connection.execute(query, {"account": account.id}).scalar_one())

    form = {"prompt": "a slow walk around her", "seconds": "20", "fps": "60", "size": "832x832"}
    with pytest.raises(httpx.ReadTimeout):
        account.http.post(
            "/v1/videos",
            data=form,
            files={"input_reference": jpeg(person())},
            headers={"prefer": "wait=60"},
            timeout=httpx.Timeout(60, read=5),
        )
    assert mine("jobs") == 1
    deadline = time.monotonic() + 15
    while mine("open_streams"):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    (video,) = account.openai.videos.list().data
    assert video.status in ("queued", "in_progress")
    assert account.openai.videos.delete(video.id).deleted

"""A cluster of ours is the third party of another: the adapter against the real API, and each side's own promises."""

from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO

import av
import httpx
import numpy as np
import pytest

from cluster.storage import recipient_secrets
from tests.chaos._clients import Client
from tests.chaos.journal import Journal
from tests.cluster._installation import Installation
from tests.cluster._waiting import until
from tests.emulators.installed import in_use_at
from tests.photos import jpeg, person
from tests.scan import encodings

NAME, HOST = "openai_videos", "127.0.0.1"
DECLARED = {"provider_models": {"upstream": "default"}, "options": {"idempotent": "true"}}


@dataclass(frozen=True)
class Pair:
    """Who makes the video, and who orders it there."""

    upstream: Installation
    own: Installation
    client: Client


@pytest.fixture(scope="module")
def pair() -> Iterator[Pair]:
    """Two whole clusters."""
    upstream, own = (Installation("serve.app:build_app") for _ in range(2))
    try:
        there = upstream.up()["urls"]["api"]
        key = httpx.post(f"{there}/v1/accounts", json={}, timeout=60).raise_for_status().json()["api_key"]
        recipient_secrets.write(own.paths.credentials, NAME, {"api_key": key})
        own.environment |= in_use_at(NAME, there, HOST, **DECLARED)
        client = Client(own.up()["urls"]["api"], Journal(), jpeg(person()))
        client.answer(NAME, True)
        yield Pair(upstream, own, client)
        client.http.close()
    finally:
        own.remove()
        upstream.remove()


def copies(pair: Pair, job: str) -> list[tuple[str, str]]:
    """What became of the submission there, as it stands here."""
    return [tuple(row) for row in pair.own.sql(f"SELECT state, copy FROM submissions WHERE job_id = '{job}'")]


def test_a_video_is_made_there_and_delivered_here(pair: Pair) -> None:
    job = pair.client.share("upstream")
    until(lambda: pair.client.look(job) not in Client.ACTIVE, 240)
    there = pair.upstream.sql("SELECT state, stage, error_code, attempts FROM jobs")
    assert pair.client.look(job) == "completed", (there, copies(pair, job))
    content = pair.client.http.get(f"/v1/videos/{job}/content").raise_for_status().content
    with av.open(BytesIO(content), "r") as movie:
        frames = [frame.to_ndarray(format="rgb24") for frame in movie.decode(video=0)]
    assert (frames[0].shape, len(frames)) == ((720, 1280, 3), 96)
    assert float(np.abs(frames[-1].astype(int) - frames[0].astype(int)).mean()) > 1
    until(lambda: copies(pair, job) == [("done", "deleted")], 60)
    (order,) = pair.upstream.sql("SELECT id, model, state, deleted_at IS NOT NULL FROM jobs")
    assert order[1:] == ("default", "completed", True)
    assert pair.upstream.sql("SELECT kind FROM media WHERE state = 'live'") == []


def test_a_cancelled_job_is_cancelled_there(pair: Pair) -> None:
    job = pair.client.share("upstream")
    known = f"SELECT task FROM submissions WHERE job_id = '{job}' AND task IS NOT NULL"
    until(lambda: bool(pair.own.sql(known)), 60)
    ((task,),) = pair.own.sql(known)
    pair.client.cancel(job)
    until(lambda: pair.upstream.sql(f"SELECT 1 FROM jobs WHERE id = '{task}' AND deleted_at IS NOT NULL") != [], 60)
    kinds = pair.upstream.sql(f"SELECT kind FROM credit_transfers WHERE job_id = '{task}' ORDER BY sequence")
    assert [kind for (kind,) in kinds] == ["reserve", "release"]


def test_the_upstream_knows_one_account_and_nobody_of_ours(pair: Pair) -> None:
    assert pair.upstream.sql("SELECT count(*) FROM accounts") == [(1,)]
    marks = {pair.client.account_id, *pair.client.jobs}
    assert len(marks) > 1
    tables = pair.upstream.sql("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    rows = "".join(str(pair.upstream.sql(f'SELECT * FROM "{table}"')) for (table,) in tables)
    assert "default" in rows
    assert not [mark for mark in marks for form in encodings(mark).values() if form.decode("latin-1") in rows]

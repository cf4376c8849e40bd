"""The ingress is killed in the middle of a body, between the sealed upload and the commit, and with a stream open."""

import os
import signal
import threading
from collections.abc import Iterator

import httpx
import psycopg
import pytest

from cluster import runtime
from tests.chaos._arena import Arena
from tests.cluster._waiting import until

BLOCKED = "SELECT 1 FROM pg_stat_activity WHERE application_name = 'ingress' AND wait_event_type = 'Lock'"


def half_a_body(sent: threading.Event, gone: threading.Event) -> Iterator[bytes]:
    """The beginning of a body, whose rest never comes."""
    yield b"--boundary\r\n"
    sent.set()
    gone.wait(60)
    yield b"--boundary"


def upload_half(arena: Arena, sent: threading.Event, gone: threading.Event) -> None:
    """A request that breaks in its body: its connection ends, or the edge says that there will be no answer."""
    headers = {"Content-Type": "multipart/form-data; boundary=boundary"}
    try:
        answer = arena.client.http.post("/v1/videos", content=half_a_body(sent, gone), headers=headers)
    except httpx.TransportError:
        return
    assert (answer.status_code, answer.json()["error"]["code"]) == (502, "no_answer")


def test_a_request_whose_ingress_dies_is_one_job_when_it_is_asked_again(arena: Arena) -> None:
    """It had sealed the upload, and waited for the account's row when it died."""
    before = len(arena.client.jobs)
    asking = threading.Thread(target=arena.client.create)
    with psycopg.connect(runtime.owner_url(arena.installation.settings)) as connection:
        connection.execute("SELECT 1 FROM accounts WHERE id = %s FOR NO KEY UPDATE", [arena.client.account_id])
        asking.start()
        until(lambda: bool(arena.installation.sql(BLOCKED)), 30)
        assert arena.installation.sql("SELECT 1 FROM media WHERE state = 'writing' AND job_id IS NULL")
        os.kill(arena.replica("Ingress"), signal.SIGKILL)
        connection.rollback()
    asking.join()
    assert len(arena.client.jobs) == before + 1


def test_streams_and_bodies_break_and_the_job_goes_on(arena: Arena) -> None:
    sent, gone = threading.Event(), threading.Event()
    uploading = threading.Thread(target=upload_half, args=(arena, sent, gone))
    with arena.at("generation.begun") as (job_id,):
        uploading.start()
        with arena.client.http.stream("GET", f"/v1/videos/{job_id}/events") as stream:
            lines = stream.iter_lines()
            assert next(lines)
            sent.wait()
            os.kill(arena.replica("Ingress"), signal.SIGKILL)
            with pytest.raises(httpx.RemoteProtocolError):
                list(lines)
    gone.set()
    uploading.join()
    arena.settle()
    assert arena.attempts(job_id) == 1

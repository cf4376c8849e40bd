"""A server of tests notes every byte down, reads as slowly as it is told, speaks TLS, and ends."""

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from cluster import clock
from tests.emulators.server import Server, serving
from tests.unit.egress.certificates import Authority


async def _length(request: Request) -> Response:
    return PlainTextResponse(str(len(await request.body())))


APP = Starlette(routes=[Route("/length", _length, methods=["POST"])])


@pytest.fixture
def server() -> Iterator[Server]:
    with serving(APP) as server:
        yield server


def test_every_byte_that_came_is_noted_with_its_time(server: Server) -> None:
    before = clock.monotonic()
    answer = httpx.post(
        f"{server.url}/length?name=canary-1", content=b"canary-2" * 1000, headers={"X-Test": "canary-3"}
    )
    assert answer.text == "8000"
    everything = server.record.all_bytes()
    assert everything.startswith(b"POST /length?name=canary-1 HTTP/1.1\r\n")
    assert everything.count(b"canary-2") == 1000
    assert b"canary-3" in everything
    last = server.record.last_at()
    assert last is not None
    assert before < last < clock.monotonic()
    assert list(server.record.since(clock.monotonic())) == []


def test_what_no_parser_takes_is_noted_too(server: Server) -> None:
    with socket.create_connection((server.host, server.port)) as raw:
        raw.sendall(b"canary in no request at all\r\n\r\n")
        assert raw.recv(100).startswith(b"HTTP/1.1 400")
    assert b"canary in no request at all" in server.record.all_bytes()


def test_a_throttled_upload_waits_and_what_is_cut_off_never_came(server: Server) -> None:
    server.throttle(50_000)
    body = b"x" * 8_000_000
    with pytest.raises(httpx.TimeoutException):
        httpx.post(f"{server.url}/length", content=body, timeout=0.5)
    assert 0 < len(server.record.all_bytes()) < len(body) // 2
    server.throttle(None)
    server.record.clear()
    assert httpx.post(f"{server.url}/length", content=body).text == str(len(body))
    assert len(server.record.all_bytes()) > len(body)


def test_an_upload_in_progress_goes_on_as_soon_as_nothing_slows_it(server: Server) -> None:
    server.throttle(1000)
    body = b"x" * 4_000_000
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(httpx.post, f"{server.url}/length", content=body, timeout=60)
        while not server.record.received:
            Event().wait(0.01)
        assert not answer.done()
        server.throttle(None)
        assert answer.result(60).text == str(len(body))
    assert [len(noted) for noted in server.record.bodies] == [len(body)]


def test_a_body_in_chunks_is_noted_in_one_piece_too(server: Server) -> None:
    answer = httpx.post(f"{server.url}/length", content=iter([b"can", b"ary"]))
    assert answer.text == "6"
    assert b"canary" not in server.record.all_bytes()
    assert server.record.bodies == [b"canary"]


def test_over_tls_what_is_noted_is_what_was_said(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    with serving(APP, tls=authority.host("127.0.0.1")) as server:
        assert server.url.startswith("https://")
        answer = httpx.post(f"{server.url}/length", content=b"canary", verify=authority.trusted())
        assert answer.text == "6"
        assert b"canary" in server.record.all_bytes()
        with pytest.raises(httpx.ConnectError):
            httpx.post(f"{server.url}/length", content=b"unseen")
        assert b"unseen" not in server.record.all_bytes()


def test_it_ends_and_another_takes_its_port() -> None:
    with serving(APP) as first:
        assert httpx.post(f"{first.url}/length", content=b"1").text == "1"
    with pytest.raises(httpx.ConnectError):
        httpx.post(f"{first.url}/length", content=b"1")
    with serving(APP, port=first.port) as second:
        assert httpx.post(f"{second.url}/length", content=b"12").text == "2"

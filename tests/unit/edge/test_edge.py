"""The edge before a replica: who is where, what is let through, and what is kept of it."""

import re
import socket
import stat
import time
from contextlib import ExitStack

import httpx
import pytest

from cluster.deploy.edge import HEADER
from tests.fixtures_edge import HOST, LOST, MOST_CONNECTIONS, MOST_REQUESTS, SECRET, SLOWLY, RunningEdge

OTHER, THIRD = "127.0.0.2", "127.0.0.3"
CANARY = "canary-4c1d"
COMMON = {"cache-control": "no-store", "referrer-policy": "no-referrer", "x-content-type-options": "nosniff"}
FORGED = {
    "x-forwarded-for": "192.0.2.66",
    "x_forwarded_for": "192.0.2.66",
    "x-forwarded-proto": "https",
    "x-forwarded-host": "192.0.2.66",
    "forwarded": "for=192.0.2.66",
    "x-real-ip": "192.0.2.66",
    "via": "192.0.2.66",
}


def received(connection: socket.socket) -> bytes:
    """Everything until the other side ends."""
    parts = []
    while part := connection.recv(65_536):
        parts.append(part)
    return b"".join(parts)


def answered(connection: socket.socket) -> None:
    """Ask for something and leave the connection open: an answer shows that the edge has taken it."""
    connection.sendall(b"GET / HTTP/1.1\r\nHost: edge\r\n\r\n")
    assert connection.recv(65_536).startswith(b"HTTP/1.1 ")


def refusal(answer: httpx.Response, status: int, code: str) -> dict[str, str]:
    """The headers of an error of the one shape."""
    assert answer.status_code == status, answer.text
    assert answer.json()["error"]["code"] == code
    assert COMMON.items() <= dict(answer.headers).items()
    return dict(answer.headers)


def test_each_answer_has_one_id_and_never_the_caller_s(running_edge: RunningEdge) -> None:
    most = running_edge.orders.max_header_bytes
    with running_edge.client() as client:
        answers = [
            client.get(running_edge.url, headers={"x-request-id": CANARY}),
            client.get(running_edge.url, headers={"x-request-id": CANARY, "x-long": "a" * most}),
            client.get(running_edge.url),
        ]
    assert [answer.status_code for answer in answers] == [200, 431, 200]
    ids = [answer.headers.get_list("x-request-id") for answer in answers]
    assert all(len(given) == 1 and re.fullmatch(r"req_[0-9a-f-]{36}", given[0]) for given in ids), ids
    assert len({given[0] for given in ids}) == 3


@pytest.mark.parametrize("source", [HOST, OTHER])
def test_the_application_sees_where_a_caller_is(running_edge: RunningEdge, source: str) -> None:
    with running_edge.client(source) as client:
        assert client.get(running_edge.url).json()["address"] == source
        assert client.get(running_edge.tls_url).json()["address"] == source


@pytest.mark.parametrize("secret", [None, SECRET, "wrong"])
def test_what_a_caller_says_of_its_address_reaches_nobody(running_edge: RunningEdge, secret: str | None) -> None:
    headers = FORGED | ({HEADER: secret} if secret else {})
    with running_edge.client(OTHER) as client:
        answer = client.get(running_edge.url, headers=headers)
    given = answer.json()
    assert (given["address"], given["scheme"]) == (OTHER, "http")
    assert "192.0.2.66" not in answer.text
    assert SECRET not in answer.text


def test_the_port_of_a_replica_serves_nobody(running_edge: RunningEdge) -> None:
    url = f"http://{HOST}:{running_edge.ports.replica}/"
    for headers in ({}, FORGED, {HEADER: "wrong"} | FORGED, {HEADER: SECRET}):
        assert httpx.get(url, headers=headers).status_code == 403
    assert httpx.get(url, headers={HEADER: SECRET, "x-forwarded-for": OTHER, "x-forwarded-proto": "http"}).is_success


def test_a_body_is_taken_up_to_its_limit(running_edge: RunningEdge) -> None:
    limit = running_edge.orders.max_body_bytes
    with running_edge.client() as client:
        assert client.post(running_edge.url, content=bytes(100_000)).json()["body"] == 100_000
    with running_edge.connect() as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % (limit + 1))
        assert connection.recv(65_536).startswith(b"HTTP/1.1 413 ")


def test_headers_and_urls_are_taken_up_to_their_limits(running_edge: RunningEdge) -> None:
    most = running_edge.orders.max_header_bytes
    with running_edge.client() as client:
        assert client.get(running_edge.url, headers={"x-long": "a" * (most - 1000)}).is_success
        refusal(client.get(running_edge.url, headers={"x-long": "a" * most}), 431, "headers_too_large")
        url = f"{running_edge.url}/{'a' * running_edge.orders.max_url_characters}"
        refusal(client.get(url), 431, "headers_too_large")
        assert client.get(running_edge.url, headers={"x-long": "a" * 60_000}).status_code == 400


def test_what_is_not_http_is_refused_without_being_repeated(running_edge: RunningEdge) -> None:
    with running_edge.connect() as connection:
        connection.sendall(f"{CANARY} {CANARY} {CANARY}\r\n\r\n".encode())
        answer = received(connection)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert CANARY.encode() not in answer


def test_whoever_asks_too_often_is_told_when_to_come_back(running_edge: RunningEdge) -> None:
    with running_edge.client(OTHER) as client:
        answers = [client.get(running_edge.url, headers=FORGED) for _ in range(MOST_REQUESTS + 1)]
    assert {answer.status_code for answer in answers[:-1]} == {200}
    headers = refusal(answers[-1], 429, "rate_limit_exceeded")
    assert int(headers["retry-after-ms"]) == 1000 * int(headers["retry-after"]) > 0
    assert headers["x-should-retry"] == "true"
    with running_edge.client(THIRD) as client:
        assert client.get(running_edge.url).is_success


def test_nobody_takes_all_the_connections(running_edge: RunningEdge) -> None:
    with ExitStack() as held:
        for _ in range(MOST_CONNECTIONS):
            answered(held.enter_context(running_edge.connect(OTHER)))
        with running_edge.client(OTHER) as client:
            refusal(client.get(running_edge.url), 429, "rate_limit_exceeded")
        with running_edge.client(THIRD) as client:
            assert client.get(running_edge.url).is_success


def test_the_cluster_itself_is_not_limited(running_edge: RunningEdge) -> None:
    with running_edge.client() as client:
        for _ in range(MOST_REQUESTS + 5):
            assert client.get(running_edge.url, headers={HEADER: SECRET}).is_success


def test_a_header_that_does_not_end_is_ended(running_edge: RunningEdge) -> None:
    with running_edge.connect() as connection:
        for byte in b"GET / HTTP/1.1\r\nX-Slow: ":
            connection.sendall(bytes([byte]))
        assert received(connection).startswith(b"HTTP/1.1 408 ")


def test_a_body_that_stops_is_ended(running_edge: RunningEdge) -> None:
    with running_edge.connect() as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nhalf")
        assert received(connection).startswith(b"HTTP/1.1 400 ")


def test_an_answer_that_is_lost_is_said_to_be_lost(running_edge: RunningEdge) -> None:
    with running_edge.client() as client:
        refusal(client.get(running_edge.url + LOST), 502, "no_answer")
        assert client.get(running_edge.url).is_success


def test_whoever_waits_for_an_answer_is_not_idle(running_edge: RunningEdge) -> None:
    with running_edge.client() as client:
        assert client.get(running_edge.url + SLOWLY).is_success


def test_the_log_holds_neither_addresses_nor_paths_nor_headers(running_edge: RunningEdge) -> None:
    with running_edge.client(OTHER) as client:
        client.get(f"{running_edge.url}/{CANARY}?{CANARY}", headers={"x-canary": CANARY, "user-agent": CANARY})
    lines, deadline = running_edge.logged(), time.monotonic() + 10
    while not any("status=200" in line for line in lines) and time.monotonic() < deadline:
        time.sleep(0.05)
        lines += running_edge.logged()
    assert any("status=200" in line for line in lines)
    assert not [line for line in lines if CANARY in line or OTHER in line or SECRET in line]


def test_only_the_owner_administers_and_only_this_host_looks(running_edge: RunningEdge) -> None:
    private = stat.S_IMODE((running_edge.folder / "admin").stat().st_mode)
    assert private == stat.S_IMODE((running_edge.folder / "haproxy.cfg").stat().st_mode) == 0o600
    for port, path in ((running_edge.ports.metrics, "/metrics"), (running_edge.ports.statistics, "/stats")):
        assert httpx.get(f"http://{HOST}:{port}{path}").is_success
        with socket.socket() as elsewhere, pytest.raises(ConnectionRefusedError):
            elsewhere.connect((OTHER, port))

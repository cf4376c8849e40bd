"""The edge of the real cluster: TLS, limits, and addresses that nobody can forge."""

import socket
import ssl
from contextlib import ExitStack, closing
from typing import Any

import httpx

from cluster.runtime.application import api_url, tls_url
from cluster.runtime.edge import certificate
from cluster.runtime.environment import Port, port
from tests.cluster._waiting import until
from tests.cluster.conftest import Account, RunningCluster

HERE, THERE, CROWDED = "127.0.0.1", "127.0.0.2", "127.0.0.5"
FORGED = {"x-forwarded-for": "192.0.2.66", "forwarded": "for=192.0.2.66", "x-real-ip": "192.0.2.66"}


def client(cluster: RunningCluster, source: str, **options: Any) -> httpx.Client:
    """Somebody at an address of this host."""
    verify = ssl.create_default_context(cafile=str(certificate(cluster.settings)))
    transport = httpx.HTTPTransport(local_address=source, verify=verify)
    return httpx.Client(base_url=cluster.url, transport=transport, timeout=30, **options)


def connection(cluster: RunningCluster, source: str = HERE) -> socket.socket:
    """A connection of plain bytes."""
    return socket.create_connection((HERE, cluster.settings.http.port), 30, (source, 0))


def addresses(account: Account) -> set[str]:
    """Where the account's accesses came from."""
    with account.login() as inside:
        page = inside.get("/v1/access-history", params={"limit": 100}).json()
    return {entry["address"] for entry in page["data"]} - {None}


def inner_ports(cluster: RunningCluster) -> list[int]:
    """Where replicas listen, and Serve's own proxy."""
    replicas = range(port(cluster.settings, Port.FIRST_REPLICA), port(cluster.settings, Port.LAST_REPLICA) + 1)
    found = [number for number in replicas if listens(number)]
    assert found
    return [*found, port(cluster.settings, Port.FALLBACK_PROXY)]


def listens(number: int) -> bool:
    with closing(socket.socket()) as tried:
        return tried.connect_ex((HERE, number)) == 0


def test_the_access_log_holds_true_addresses_whatever_a_caller_says(cluster: RunningCluster, account: Account) -> None:
    headers = {"Authorization": f"Bearer {account.key}"} | FORGED
    for source in (HERE, THERE):
        with client(cluster, source, headers=headers) as caller:
            assert caller.get("/v1/me").status_code == 200
    assert addresses(account) == {HERE, THERE}


def test_the_inner_ports_serve_nobody(cluster: RunningCluster, account: Account) -> None:
    before = addresses(account)
    for number in inner_ports(cluster):
        for headers in ({}, FORGED, {"x-i2v-edge": "guessed"} | FORGED):
            answer = httpx.get(
                f"http://{HERE}:{number}/v1/me", headers={"Authorization": f"Bearer {account.key}"} | headers
            )
            assert (answer.status_code, answer.json()["error"]["code"]) == (403, "not_through_the_edge")
    assert addresses(account) == before


def test_tls_is_ended_here_and_asked_for_from_then_on(cluster: RunningCluster, account: Account) -> None:
    headers = {"Authorization": f"Bearer {account.key}"}
    secure = tls_url(cluster.settings)
    with client(cluster, THERE, headers=headers) as caller:
        over_tls, refused = caller.get(f"{secure}/v1/me"), caller.get(f"{secure}/v1/videos/video_0")
        plain = caller.get(f"{api_url(cluster.settings)}/v1/me")
    assert (over_tls.status_code, refused.status_code, plain.status_code) == (200, 404, 200)
    for answer in (over_tls, refused):
        assert answer.headers["strict-transport-security"] == "max-age=31536000"
    assert "strict-transport-security" not in plain.headers


def test_what_is_too_long_is_refused(cluster: RunningCluster, account: Account) -> None:
    assert account.http.get("/v1/me", headers={"x-long": "a" * 9_000}).status_code == 431
    assert account.http.get("/v1/me", params={"a": "a" * 5_000}).status_code == 431
    with connection(cluster) as uploading:
        declared = cluster.settings.http.max_body_bytes + 1
        uploading.sendall(b"POST /v1/videos HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % declared)
        assert uploading.recv(65_536).startswith(b"HTTP/1.1 413 ")


def test_a_client_that_does_not_finish_its_header_is_ended(cluster: RunningCluster) -> None:
    with connection(cluster) as slow:
        slow.sendall(b"GET /v1/models HTTP/1.1\r\nX-Slow: ")
        assert slow.recv(65_536).startswith(b"HTTP/1.1 408 ")


def test_one_address_does_not_crowd_out_another(cluster: RunningCluster) -> None:
    with ExitStack() as stack:
        for _ in range(cluster.settings.http.max_connections_per_address):
            stack.enter_context(connection(cluster, CROWDED))
        with client(cluster, CROWDED) as caller:
            until(lambda: caller.get("/v1/models").status_code != 200, 10)
        for headers in ({}, FORGED):
            with client(cluster, CROWDED, headers=headers) as caller:
                refused = caller.get("/v1/models")
            assert (refused.status_code, refused.json()["error"]["code"]) == (429, "rate_limit_exceeded")
            assert int(refused.headers["retry-after-ms"]) > 0
        with client(cluster, THERE) as caller:
            assert caller.get("/v1/models").status_code == 200

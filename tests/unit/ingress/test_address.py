"""The caller's address: only the edge says it, and only once."""

from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from cluster.deploy.edge import HEADER
from serve.ingress.address import AddressMiddleware

SECRET = "5e" * 32
BY_THE_EDGE = {HEADER: SECRET, "x-forwarded-for": "192.0.2.1", "x-forwarded-proto": "https"}


def shown(request: Request) -> JSONResponse:
    """What an application sees."""
    return JSONResponse(
        {"address": request.state.address, "scheme": request.url.scheme, "headers": list(request.headers)}
    )


async def greeted(socket: WebSocket) -> None:
    await socket.accept()
    await socket.close()


def client(secret: str | None, host: str = "203.0.113.9") -> TestClient:
    """A connection from ``host``."""
    application = Starlette(routes=[Route("/", shown), WebSocketRoute("/socket", greeted)])
    return TestClient(AddressMiddleware(application, secret), client=(host, 50_000))


def test_the_edge_is_believed_and_its_headers_end_here() -> None:
    seen: dict[str, Any] = client(SECRET).get("/", headers=BY_THE_EDGE).json()
    assert (seen["address"], seen["scheme"]) == ("192.0.2.1", "https")
    assert not {HEADER, "x-forwarded-for", "x-forwarded-proto"} & set(seen["headers"])


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {HEADER: "5e" * 31 + "5f"},
        {HEADER: ""},
        {HEADER: SECRET.upper()},
        {HEADER: SECRET, "x-forwarded-for": ""},
        {HEADER: SECRET, "x-forwarded-for": "192.0.2.1, 192.0.2.2"},
        {HEADER: SECRET, "x-forwarded-for": "nowhere"},
        {HEADER: SECRET, "x-forwarded-for": "\xe9"},
    ],
)
def test_without_the_secret_and_one_address_nothing_is_served(headers: dict[str, str]) -> None:
    raw = [(name, value.encode("latin-1")) for name, value in ({"x-forwarded-for": "192.0.2.1"} | headers).items()]
    answer = client(SECRET).get("/", headers=raw)  # type: ignore[arg-type]  # bytes are fine, and not all text is
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "not_through_the_edge")


@pytest.mark.parametrize("twice", list(BY_THE_EDGE))
def test_a_header_that_stands_twice_says_nothing(twice: str) -> None:
    answer = client(SECRET).get("/", headers=[*BY_THE_EDGE.items(), (twice, BY_THE_EDGE[twice])])
    assert answer.status_code == 403 if twice != "x-forwarded-proto" else answer.json()["scheme"] == ""


def test_sockets_are_refused_too() -> None:
    with client(SECRET).websocket_connect("/socket", headers=BY_THE_EDGE):
        pass
    with pytest.raises(WebSocketDisconnect), client(SECRET).websocket_connect("/socket"):
        pass


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("2001:DB8:0::1", "2001:db8::1"),
        ("somebody", "127.0.0.1"),
    ],
)
def test_without_an_edge_the_connection_says_it(host: str, address: str) -> None:
    assert client(None, host).get("/", headers=BY_THE_EDGE).json()["address"] == address


def test_an_address_has_one_form() -> None:
    headers = BY_THE_EDGE | {"x-forwarded-for": "::FFFF:192.0.2.1"}
    assert client(SECRET).get("/", headers=headers).json()["address"] == "192.0.2.1"

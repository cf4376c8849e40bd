"""The world outside, on loopback: HTTP servers that behave as they are told, and names that stand for addresses.

One address plays a public host: the rules of the tests allow it. All others are what they are, private.
"""

import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_network
from socketserver import TCPServer
from typing import Any

from serve.egress.pinning import Rules

PUBLIC = "127.0.0.9"
PRIVATE = "127.0.0.1"


@dataclass(frozen=True)
class Seen:
    """A request as it came."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> dict[str, Any]:
        """The body of an event."""
        value: dict[str, Any] = json.loads(self.body)
        return value


class Exchange(BaseHTTPRequestHandler):
    """One request. What answers it may use the methods below, or write whatever it likes."""

    server: "_Server"
    protocol_version = "HTTP/1.1"

    def handle_one(self) -> None:
        """Note the request down and let the server's owner answer."""
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.owner.seen.append(Seen(self.command, self.path, headers, body))
        self.close_connection = True
        self.server.owner.answers.get(self.path, self.server.owner.otherwise)(self)

    do_GET = do_POST = handle_one  # noqa: N815 - names that the base class looks for

    def say(self, status: int, body: bytes = b"", **headers: str) -> None:
        """An ordinary answer."""
        self.send_response(status)
        for name, value in ({"content-length": str(len(body))} | headers).items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def pour(self, piece: bytes, pause: threading.Event, seconds: float) -> None:
        """Write the same piece until the other side goes away."""
        try:
            while not pause.wait(seconds):
                self.wfile.write(piece)
        except OSError:
            self.server.owner.cut_off.set()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


Answer = Callable[[Exchange], None]


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    owner: "Outside"

    def server_bind(self) -> None:
        """As any server; `HTTPServer` would have a resolver say what its address is called."""
        TCPServer.server_bind(self)

    def handle_error(self, *_: object) -> None:
        """A client that goes away is what the tests are about."""


@dataclass
class Outside:
    """A host outside: what it answers, and what it has seen."""

    host: str
    port: int
    scheme: str
    answers: dict[str, Answer] = field(default_factory=dict)
    seen: list[Seen] = field(default_factory=list)
    cut_off: threading.Event = field(default_factory=threading.Event)
    ended: threading.Event = field(default_factory=threading.Event)
    otherwise: Answer = lambda exchange: exchange.say(404)

    def url(self, path: str = "/", host: str | None = None) -> str:
        """A URL of this host, by its address or by a name."""
        return f"{self.scheme}://{host or self.host}:{self.port}{path}"

    def gives(self, path: str, body: bytes, status: int = 200, **headers: str) -> None:
        """Answer a path with this."""
        self.answers[path] = lambda exchange: exchange.say(status, body, **headers)

    def leads(self, path: str, to: str, status: int = 302, **headers: str) -> None:
        """Answer a path with a redirect."""
        self.gives(path, b"", status, location=to, **headers)

    def never_ends(self, path: str, piece: bytes, seconds: float = 0.0, **headers: str) -> None:
        """Answer a path with a body that goes on and on."""

        def answer(exchange: Exchange) -> None:
            exchange.send_response(200)
            for name, value in headers.items():
                exchange.send_header(name.replace("_", "-"), value)
            exchange.end_headers()
            exchange.pour(piece, self.ended, seconds)

        self.answers[path] = answer


@contextmanager
def outside(host: str = PUBLIC, tls: ssl.SSLContext | None = None, *, port: int = 0) -> Iterator[Outside]:
    """A host that answers until the block ends."""
    server = _Server((host, port), Exchange)
    server.owner = Outside(host, server.server_address[1], "https" if tls else "http")
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server.owner
    finally:
        server.owner.ended.set()
        server.shutdown()
        thread.join()
        server.server_close()


class Names:
    """A resolver that knows what it is told, and addresses in any spelling. It asks nobody else."""

    def __init__(self) -> None:
        self.answers: dict[str, list[list[str]]] = {}
        self.asked: list[str] = []

    def stand_for(self, name: str, *answers: list[str]) -> None:
        """What a name stands for at the first question, at the second, … and from the last one on."""
        self.answers[name] = list(answers)

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        """Resolve."""
        self.asked.append(host)
        if known := self.answers.get(host):
            return known.pop(0) if len(known) > 1 else known[0]
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
        return [str(entry[4][0]) for entry in found]


def rules(names: Names) -> Rules:
    """The rules of an installation, by which the one address that plays a public host is allowed."""
    return Rules((ip_network(PUBLIC),), names)

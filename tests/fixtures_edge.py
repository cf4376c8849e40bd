"""The edge without a cluster: Serve's configuration, completed, in a real HAProxy before a replica of the test's own.

The replica is the middleware that knows the edge around an application that repeats what it was given.
"""

import asyncio
import json
import os
import socket
import ssl
import subprocess
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from cluster.deploy import edge
from cluster.deploy.edge import Edge
from cluster.runtime.edge import orders
from cluster.runtime.environment import environment
from cluster.settings import Settings, configs_folder, read
from cluster.storage import certificates
from serve.ingress.address import AddressMiddleware

HOST = "127.0.0.1"
SECRET, SOURCE_KEY = "5e" * 32, bytes(32)
MOST_REQUESTS, MOST_CONNECTIONS = 20, 4
IDLE_SECONDS = 2
SLOWLY = "/slowly"
"""Where the replica takes longer than a client may be idle."""
LOST = "/lost"
"""Where the replica ends its connections and answers nothing."""
_SECONDS = 10


@dataclass(frozen=True)
class Ports:
    """What listens where."""

    http: int
    tls: int
    metrics: int
    statistics: int
    replica: int


@dataclass(frozen=True)
class RunningEdge:
    """An edge that answers, with limits small enough to reach."""

    ports: Ports
    orders: Edge
    folder: Path
    _log: socket.socket

    @property
    def url(self) -> str:
        """Over plain HTTP."""
        return f"http://{HOST}:{self.ports.http}"

    @property
    def tls_url(self) -> str:
        """Over TLS."""
        return f"https://{HOST}:{self.ports.tls}"

    def client(self, source: str = HOST, **options: Any) -> httpx.Client:
        """A client that trusts the edge's certificate, at an address of its own."""
        trusted = ssl.create_default_context(cafile=self.orders.certificate)
        transport = httpx.HTTPTransport(local_address=source, verify=trusted)
        return httpx.Client(transport=transport, timeout=_SECONDS, **options)

    def connect(self, source: str = HOST) -> socket.socket:
        """A connection of plain bytes from an address."""
        return socket.create_connection((HOST, self.ports.http), _SECONDS, (source, 0))

    def logged(self) -> list[str]:
        """What was logged since the last look."""
        lines = []
        while True:
            try:
                lines.append(self._log.recv(65_536).decode())
            except BlockingIOError:
                return lines


def serve_configuration(folder: Path, ports: Ports) -> Path:
    """What Serve writes for one replica of one application. Ray takes seconds to import, and few tests come here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of Ray's use of pydantic
        from ray.serve._private.haproxy import BackendConfig, HAProxyApi, HAProxyConfig, ServerConfig
        from ray.serve.config import HTTPOptions

    configuration = HAProxyConfig(
        socket_path=str(folder / "admin"),
        metrics_socket_path=str(folder / "log"),
        server_state_base=str(folder),
        server_state_file=str(folder / "state"),
        metrics_port=ports.metrics,
        stats_port=ports.statistics,
        http_options=HTTPOptions(host=HOST, port=ports.http),
        has_received_routes=True,
        has_received_servers=True,
        is_head=True,
    )
    replica = ServerConfig(name="replica", host=HOST, port=ports.replica)
    proxy = ServerConfig(name="proxy", host=HOST, port=ports.replica)
    backend = BackendConfig(name="i2v", path_prefix="/", app_name="i2v", servers=[replica], fallback_server=proxy)
    file = folder / "haproxy.cfg"
    HAProxyApi(configuration, {"i2v": backend}, str(file))._generate_config_file_internal()
    return file


def haproxy(settings: Settings) -> str:
    """The program that Serve would start in the end."""
    return environment(settings)["EDGE_HAPROXY"]


@pytest.fixture
def edge_settings(tmp_path: Path) -> Settings:
    """The laptop's settings."""
    return read(configs_folder(), {"I2V_DATA_FOLDER": str(tmp_path)})


@pytest.fixture
def edge_orders(edge_settings: Settings, tmp_path: Path) -> Edge:
    """What the runtime would leave for the edge, with limits small enough to reach."""
    certificate = tmp_path / "certificate.pem"
    certificates.ensure_self_signed(certificate, {"localhost", HOST})
    made = orders(edge_settings, SECRET, SOURCE_KEY)
    return replace(
        made,
        certificate=str(certificate),
        max_requests_per_minute=MOST_REQUESTS,
        max_connections_per_source=MOST_CONNECTIONS,
        header_seconds=1,
        idle_seconds=IDLE_SECONDS,
    )


@pytest.fixture
def running_edge(edge_settings: Settings, edge_orders: Edge, tmp_path: Path) -> Iterator[RunningEdge]:
    """A real HAProxy before a replica."""
    with ExitStack() as stack:
        replica = stack.enter_context(closing(socket.create_server((HOST, 0))))
        free = [stack.enter_context(socket.create_server((HOST, 0))) for _ in range(4)]
        ports = Ports(*(each.getsockname()[1] for each in (*free, replica)))
        for each in free:
            each.close()
        log = stack.enter_context(closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)))
        log.bind(str(tmp_path / "log"))
        log.setblocking(False)
        stack.enter_context(_serving(replica))
        facts = replace(edge_orders, tls_port=ports.tls)
        (tmp_path / "orders.json").write_text(facts.text())
        configuration = serve_configuration(tmp_path, ports)
        edge.main(configuration, tmp_path / "orders.json")
        stack.enter_context(_started([haproxy(edge_settings), "-db", "-f", str(configuration)], ports.http))
        yield RunningEdge(ports, facts, tmp_path, log)


async def _repeat(scope: Scope, receive: Receive, send: Send) -> None:
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    if scope["path"] == SLOWLY:
        await asyncio.sleep(1.5 * IDLE_SECONDS)
    given = {
        "address": scope["state"]["address"],
        "scheme": scope["scheme"],
        "headers": [[name.decode(), value.decode()] for name, value in scope["headers"]],
        "body": len(body),
    }
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": json.dumps(given).encode()})


@contextmanager
def _serving(listener: socket.socket) -> Iterator[None]:
    async def replica(scope: Scope, receive: Receive, send: Send) -> None:
        """As a replica of Serve does, answer HAProxy's own question before anything else."""
        if scope["path"] == "/-/healthz":
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"success"})
        elif scope["path"] == LOST:
            for connection in server.server_state.connections:
                connection.transport.abort()
        else:
            await AddressMiddleware(_repeat, SECRET)(scope, receive, send)

    server = uvicorn.Server(uvicorn.Config(replica, lifespan="off", log_config=None, forwarded_allow_ips="nobody"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield
    finally:
        server.should_exit = True
        thread.join()


@contextmanager
def _started(command: list[str], port: int) -> Iterator[None]:
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=dict(os.environ)) as process:
        try:
            deadline = time.monotonic() + _SECONDS
            while not _listens(port):
                assert process.poll() is None, process.stderr and process.stderr.read()
                assert time.monotonic() < deadline
                time.sleep(0.02)
            yield
        finally:
            process.kill()


def _listens(port: int) -> bool:
    with closing(socket.socket()) as connection:
        return connection.connect_ex((HOST, port)) == 0

"""An ASGI application as a real server on loopback, in a thread of its own, that notes down every byte it reads."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

from tests.emulators.recording import Record, noting_bodies, recording_protocol

__all__ = ["Server", "serving"]

_START_SECONDS = 60.0
_END_SECONDS = 60.0
# What the kernel takes in before anything is read: without a bound, a slow reader holds nobody up for megabytes.
_RECEIVE_BUFFER = 64 * 1024


class Server:
    """Listens from `start` to `stop`; `serving` does both."""

    def __init__(self, app: ASGIApp, port: int = 0, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> None:
        """`port` 0: any free one. `tls`: a server's context with its chain loaded; None: plain HTTP."""
        self.record = Record()
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
        self._socket.bind((host, port))
        self.host, self.port = self._socket.getsockname()
        self._scheme = "http" if tls is None else "https"
        config = uvicorn.Config(
            noting_bodies(app, self.record),
            http=recording_protocol(self.record),
            lifespan="off",
            log_config=None,
            log_level="critical",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=1,
        )
        config.load()
        config.ssl = tls
        self._server = _Server(config)
        self._thread = threading.Thread(target=self._server.run, args=([self._socket],), daemon=True)

    @property
    def url(self) -> str:
        """Where it answers; without a slash at the end."""
        return f"{self._scheme}://{self.host}:{self.port}"

    def throttle(self, bytes_per_second: float | None) -> None:
        """Read only so fast from now on, so that a sender has to wait; None: as fast as it comes."""
        self.record.bytes_per_second = bytes_per_second

    def start(self) -> None:
        """Listen.

        Raises:
            TimeoutError: it does not come up.
        """
        self._thread.start()
        if not self._server.ready.wait(_START_SECONDS):
            raise TimeoutError("the server did not come up")

    def stop(self) -> None:
        """End it, and all connections to it, within a second or two.

        Raises:
            TimeoutError: it does not end.
        """
        self._server.should_exit = True
        self._thread.join(_END_SECONDS)
        self._socket.close()
        if self._thread.is_alive():
            raise TimeoutError("the server did not end")


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()


@contextmanager
def serving(
    app: ASGIApp, port: int = 0, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1"
) -> Iterator[Server]:
    """A server that listens while the block runs."""
    server = Server(app, port, tls, host)
    server.start()
    try:
        yield server
    finally:
        server.stop()

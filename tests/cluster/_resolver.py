"""The only resolver of a network namespace: it writes down what it is asked, by UDP and TCP, and knows no name."""

import ctypes
import os
import socket
import socketserver
import struct
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

ADDRESS: Final = "127.0.0.53"
CONFIGURATION: Final = f"nameserver {ADDRESS}\noptions timeout:2 attempts:1\n"
_NEW_MOUNTS, _BIND, _RECURSIVE, _PRIVATE = 0x20000, 0x1000, 0x4000, 0x40000
_HEADER = struct.Struct("!6H")
_NO_SUCH_NAME = 0x8183
_ASK = "import socket, sys\ntry: socket.getaddrinfo(sys.argv[1], 80)\nexcept socket.gaierror: pass\n"


@dataclass
class Resolver:
    """What was asked, in order, as (protocol, name)."""

    asked: list[tuple[str, str]] = field(default_factory=list)

    def names(self) -> list[str]:
        """The names alone, each once."""
        return sorted({name for _, name in self.asked})

    def answer(self, protocol: str, question: bytes) -> bytes:
        """Write the question down; there is no such name."""
        labels, rest = [], question[_HEADER.size :]
        while rest and rest[0]:
            labels.append(rest[1 : rest[0] + 1].decode("ascii", "replace"))
            rest = rest[rest[0] + 1 :]
        self.asked.append((protocol, ".".join(labels).lower()))
        asked = question[_HEADER.size : len(question) - len(rest) + 5]
        return _HEADER.pack(_HEADER.unpack_from(question)[0], _NO_SUCH_NAME, 1, 0, 0, 0) + asked


class _Server(socketserver.ThreadingMixIn):
    daemon_threads = True
    allow_reuse_address = True
    resolver: Resolver


class _UdpServer(_Server, socketserver.UDPServer):
    pass


class _TcpServer(_Server, socketserver.TCPServer):
    pass


class _ByUdp(socketserver.BaseRequestHandler):
    server: _UdpServer

    def handle(self) -> None:
        question, own = self.request
        own.sendto(self.server.resolver.answer("udp", question), self.client_address)


class _ByTcp(socketserver.StreamRequestHandler):
    server: _TcpServer

    def handle(self) -> None:
        while size := self.rfile.read(2):
            answer = self.server.resolver.answer("tcp", self.rfile.read(int.from_bytes(size, "big")))
            self.wfile.write(len(answer).to_bytes(2, "big") + answer)


@contextmanager
def resolver() -> Iterator[Resolver]:
    """Answer on the loopback until the block ends; every process started from now on asks here and nowhere else."""
    _be_asked()
    found = Resolver()
    servers = (_UdpServer((ADDRESS, socket.getservbyname("domain")), _ByUdp), _TcpServer((ADDRESS, 53), _ByTcp))
    for server in servers:
        server.resolver = found
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        yield found
    finally:
        for server in servers:
            server.shutdown()
            server.server_close()


def ask(name: str, **environment: str) -> None:
    """Have a process of its own look a name up, as any library would."""
    subprocess.run([sys.executable, "-c", _ASK, name], env=os.environ | environment, check=True, timeout=60)


def _be_asked() -> None:
    """Put a file of ours over the system's configuration, for this process and its children alone.

    Raises:
        OSError: this system does not let a process do so.
    """
    own = Path(tempfile.mkdtemp(prefix="i2v-resolver-")) / "resolv.conf"
    own.write_text(CONFIGURATION)
    library = ctypes.CDLL(None, use_errno=True)
    over = Path("/etc/resolv.conf").resolve()
    if (
        library.unshare(_NEW_MOUNTS)
        or library.mount(None, b"/", None, _RECURSIVE | _PRIVATE, None)
        or library.mount(os.fsencode(own), os.fsencode(over), None, _BIND, None)
    ):
        raise OSError(ctypes.get_errno(), "no file can be mounted over the resolver's configuration here")

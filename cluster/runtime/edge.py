"""What the edge needs before Serve starts it: a secret, a certificate, and its orders in a private file.

HAProxy itself is Serve's to start, through `cluster/deploy/haproxy.sh`.
"""

import base64
import json
import secrets
import socket
from pathlib import Path
from typing import Final

from cluster import errors
from cluster.deploy import edge as deployed
from cluster.deploy.edge import HEADER, Answer, Edge
from cluster.errors import ServiceError, Unavailable
from cluster.runtime import layout
from cluster.runtime.service import ServiceFailed
from cluster.settings import Settings
from cluster.storage import certificates, files

__all__ = ["EdgeService", "certificate", "edge_secret", "orders", "runtime_headers"]

_SECRET_BYTES: Final = 32
_HEADER_BYTES: Final = 8192
_URL_CHARACTERS: Final = 4096
_HEADER_SECONDS: Final = 10
_IDLE_SECONDS: Final = 30
_ADMIN_SECONDS: Final = 1.0
_RETRY_SECONDS: Final = 5


def certificate(settings: Settings) -> Path:
    """Where the certificate lies: the operator's own, or ours."""
    return settings.tls.certificate or layout.paths(settings).run / "certificate.pem"


def edge_secret(settings: Settings) -> str | None:
    """What the edge adds to each request, so that replicas know it; none where there is no edge.

    Raises:
        Unavailable: there is an edge, and it was never prepared on this host.
    """
    if not settings.ray.haproxy:
        return None
    try:
        return deployed.read(layout.paths(settings).edge.read_text()).secret
    except FileNotFoundError:
        raise Unavailable("The edge was never prepared; 'i2v up' does it.", code="edge_not_prepared") from None


def runtime_headers(settings: Settings) -> dict[str, str]:
    """Headers by which the edge knows the cluster's own questions; they are not counted against a limit."""
    try:
        secret = edge_secret(settings)
    except Unavailable:
        secret = None
    return {HEADER: secret} if secret else {}


def orders(settings: Settings, secret: str, source_key: bytes) -> Edge:
    """What the edge has to do under these settings."""
    return Edge(
        secret=secret,
        source_key=base64.b64encode(source_key).decode(),
        tls_host=settings.tls.host,
        tls_port=settings.tls.port,
        certificate=str(certificate(settings).absolute()),
        max_body_bytes=settings.http.max_body_bytes,
        max_header_bytes=_HEADER_BYTES,
        max_url_characters=_URL_CHARACTERS,
        max_requests_per_minute=settings.http.max_requests_per_minute,
        max_connections_per_source=settings.http.max_connections_per_address,
        header_seconds=_HEADER_SECONDS,
        idle_seconds=_IDLE_SECONDS,
        answers=_answers(settings),
    )


class EdgeService:
    """The edge's orders, and its certificate, which is renewed and handed over while HAProxy runs."""

    name = "edge"
    needs: tuple[str, ...] = ()
    patience = 3

    def __init__(self, settings: Settings) -> None:
        """Nothing is made yet."""
        self._settings = settings
        self._where = layout.paths(settings)
        self._certificate = certificate(settings)
        self._handed_over = b""

    def prepare(self) -> None:
        """Everything is done by `start`."""

    def start(self) -> None:
        """Make what is missing. The secret stays for as long as the cluster runs, whoever supervises it."""
        self._renew()
        if not certificates.is_usable(self._certificate):
            raise ServiceFailed("tls.certificate must be a PEM file of a certificate, its chain and its key.")
        self._handed_over = self._certificate.read_bytes()
        files.write_atomic(self._where.edge, [orders(self._settings, *self._secrets()).text().encode()])

    def works(self) -> bool:
        """Whether HAProxy has the certificate of today. Renews it and hands it over by the way."""
        self._renew()
        try:
            current = self._certificate.read_bytes()
            if current != self._handed_over and certificates.is_usable(self._certificate):
                self._hand_over(current)
                self._handed_over = current
        except OSError:
            return False
        return current == self._handed_over

    def stop(self) -> None:
        """There is nothing to end: HAProxy ends with Ray."""

    def pid(self) -> int | None:
        """It has none: HAProxy is Serve's."""
        return None

    def _secrets(self) -> tuple[str, bytes]:
        try:
            old = deployed.read(self._where.edge.read_text())
            return old.secret, base64.b64decode(old.source_key)
        except (FileNotFoundError, ValueError, TypeError, KeyError):
            return secrets.token_hex(_SECRET_BYTES), secrets.token_bytes(_SECRET_BYTES)

    def _renew(self) -> None:
        if self._settings.tls.certificate is None:
            certificates.ensure_self_signed(self._certificate, _names(self._settings))

    def _hand_over(self, pem: bytes) -> None:
        """Through the admin socket of each HAProxy on this host; one that starts later reads the file."""
        name = str(self._certificate.absolute()).encode()
        payload = b"\n".join(line for line in pem.splitlines() if line.strip())
        for admin in self._where.sockets.glob("*/admin"):
            _tell(admin, b"set ssl cert %s <<\n%s\n\n" % (name, payload))
            _tell(admin, b"commit ssl cert %s\n" % name)


def _tell(admin: Path, command: bytes) -> None:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(_ADMIN_SECONDS)
        try:
            connection.connect(str(admin))
        except (FileNotFoundError, ConnectionRefusedError):
            return
        connection.sendall(command)
        while connection.recv(4096):
            continue


def _names(settings: Settings) -> set[str]:
    everywhere = {"0.0.0.0", "::", "*"}  # noqa: S104 - names nobody connects to
    return {"localhost", "127.0.0.1", "::1", socket.gethostname(), settings.tls.host} - everywhere


def _answers(settings: Settings) -> dict[int, Answer]:
    """The errors that HAProxy answers by itself, in the words of the ingress."""
    http = settings.http
    limits = {
        "x-ratelimit-limit-requests": str(http.max_requests_per_minute),
        "x-ratelimit-remaining-requests": "0",
        "x-ratelimit-reset-requests": "60s",
    }
    return {
        400: _answer(
            errors.InvalidRequest("The request is not valid HTTP, its headers are too long, or it broke off.")
        ),
        408: _answer(errors.RequestTimeout()),
        413: _answer(errors.PayloadTooLarge(f"The request body may have at most {http.max_body_bytes} bytes.")),
        429: _answer(errors.TooManyRequests(headers=limits, retry_after=_RETRY_SECONDS)),
        431: _answer(
            errors.HeadersTooLarge(
                f"The URL may have at most {_URL_CHARACTERS} characters, all headers together {_HEADER_BYTES} bytes."
            )
        ),
        500: _answer(errors.ServiceError()),
        502: _answer(errors.NoAnswer()),
        503: _answer(Unavailable(retry_after=_RETRY_SECONDS)),
        504: _answer(errors.NoAnswer()),
    }


def _answer(error: ServiceError) -> Answer:
    return Answer(json.dumps(error.body()), error.all_headers())

"""Completes the HAProxy configuration that Serve has just written, before HAProxy reads it.

`haproxy.sh` runs this file as a program, at each of Serve's reloads: standard library only, so that it takes
milliseconds. Every change hangs on a line that Serve is known to write. A configuration without that line is refused,
and HAProxy does not start: an upgrade of Ray cannot drop a protection silently.
"""

import hashlib
import json
import os
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

__all__ = ["HEADER", "Answer", "Edge", "UnexpectedConfiguration", "complete", "read", "tls", "tls_defaults"]

HEADER: Final = "x-i2v-edge"
"""The header that carries the secret from the edge to the replicas."""

_FORGEABLE: Final = rf"^(x[-_]forwarded.*|forwarded|via|x[-_]real[-_]ip|{HEADER})$"
_CIPHERS: Final = "ECDHE+AESGCM:ECDHE+CHACHA20"  # of TLS 1.2: forward secrecy, authenticated
_ONE_YEAR: Final = "max-age=31536000"
_COMMON: Final = {"cache-control": "no-store", "referrer-policy": "no-referrer", "x-content-type-options": "nosniff"}
_FROM_REPLICA_BYTES: Final = 1 << 17
_TO_CLIENT_BYTES: Final = 1 << 19
"""What lies in these buffers of a connection cannot be called back; Linux reserves twice that."""
_WITHOUT_RULES: Final = (400, 408, 500, 502, 503, 504)

Edit = Callable[[str], list[str]]
"""What stands in a line's place."""


class UnexpectedConfiguration(Exception):
    """Serve has written something else than what this was made for; the message says what."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that HAProxy gives by itself. ``body`` is JSON."""

    body: str
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Edge:
    """What the edge has to do, as the runtime leaves it in a private file; sizes in bytes."""

    secret: str
    source_key: str
    """Key, in base64, of the hash by which a source's requests are counted: no address is kept."""
    tls_host: str
    tls_port: int
    certificate: str
    max_body_bytes: int
    max_header_bytes: int
    max_url_characters: int
    max_requests_per_minute: int
    max_connections_per_source: int
    header_seconds: int
    idle_seconds: int
    answers: Mapping[int, Answer]
    """By status."""

    def text(self) -> str:
        """As JSON; see `read`."""
        return json.dumps(asdict(self))


def read(text: str) -> Edge:
    """What `Edge.text` wrote."""
    fields = json.loads(text)
    answers = {int(status): Answer(**answer) for status, answer in fields.pop("answers").items()}
    return Edge(**fields, answers=answers)


def complete(configuration: str, edge: Edge) -> str:
    """The configuration with everything that the edge has to do.

    Raises:
        UnexpectedConfiguration: a line on which something hangs is not there exactly once, or something listens or
            logs that is not known here.
    """
    waiting = _edits(edge)
    lines: list[str] = []
    section = ""
    for line in configuration.splitlines():
        words = line.strip()
        if line[:1].strip():
            section = words
        pattern = next((p for p in waiting.get(section, {}) if re.fullmatch(p, words)), None)
        if pattern is None:
            _refuse_unknown(section, words)
            lines.append(line)
        else:
            lines += [f"    {new}" for new in waiting[section].pop(pattern)(words)]
    for section, patterns in waiting.items():
        for pattern in patterns:
            raise UnexpectedConfiguration(f"The section '{section}' has no line '{pattern}'.")
    return "\n".join(line for line in lines if not _is_fallback(line)) + "\n"


def _edits(edge: Edge) -> dict[str, dict[str, Edit]]:
    """By section and by the pattern of a line, what stands in the place of that line."""
    return {
        "global": {
            r"log \S+ local0 info": lambda _: [],
            r"stats socket \S+ mode 666 .*": lambda socket: [socket.replace("mode 666", "mode 600"), *_globals()],
        },
        "defaults": {
            r"option httplog": lambda _: ["log-format -", "error-log-format -"],
            r"timeout client \S+": lambda _: _timeouts(edge),
            r"errorfile 502 \S+": lambda _: [_answer("http-error", status, edge) for status in _WITHOUT_RULES],
            r"errorfile 503 \S+": lambda _: [],
            r"errorfile 504 \S+": lambda _: [],
        },
        "frontend prometheus": {r"bind \*?:\d+": _on_loopback},
        "frontend http_frontend": {
            r"bind \S+": lambda bind: [bind, *tls(edge), *_frontend(edge)],
        },
        "backend default_backend": {
            r"http-request return status 404 .*": lambda _: [_answer("http-request return", 503, edge)],
        },
        "listen stats": {r"bind \*?:\d+": _on_loopback},
    }


def _refuse_unknown(section: str, words: str) -> None:
    """What listens, and what is logged, must be known."""
    if words.startswith("bind "):
        raise UnexpectedConfiguration(f"The section '{section}' listens where nothing is known to: '{words}'.")
    if words.startswith("log ") and words != "log global" and not words.startswith("log /"):
        raise UnexpectedConfiguration(f"The section '{section}' logs to where nothing is known to: '{words}'.")


def _is_fallback(line: str) -> bool:
    """Serve's Python proxy, where no replica is left: it would carry whole requests through Ray's memory."""
    return re.fullmatch(r"\s*server \S+ \S+ check backup", line) is not None


def _on_loopback(bind: str) -> list[str]:
    return [f"bind 127.0.0.1:{bind.rpartition(':')[2]}"]


def _frontend(edge: Edge) -> list[str]:
    return [*_request_id(), *_limits(edge), *_addresses(edge), *_headers()]


def _globals() -> list[str]:
    return [f"tune.rcvbuf.server {_FROM_REPLICA_BYTES}", f"tune.sndbuf.client {_TO_CLIENT_BYTES}", *tls_defaults()]


def tls_defaults() -> list[str]:
    """Which TLS is good enough."""
    return [
        f"ssl-default-bind-ciphers {_CIPHERS}",
        "ssl-default-bind-options ssl-min-ver TLSv1.2 no-tls-tickets",
    ]


def tls(edge: Edge) -> list[str]:
    """Listen for TLS, and let browsers that came so once come in no other way."""
    host = f"[{edge.tls_host}]" if ":" in edge.tls_host else edge.tls_host
    both = " v4v6" if edge.tls_host == "::" else ""
    return [
        f"bind {host}:{edge.tls_port} ssl crt {_quoted(edge.certificate)} alpn h2,http/1.1{both}",
        f"http-after-response set-header strict-transport-security {_ONE_YEAR} if {{ ssl_fc }}",
    ]


def _timeouts(edge: Edge) -> list[str]:
    """For a whole header, and for the silence of a client that has something to send or to take."""
    return [f"timeout client {edge.idle_seconds}s", f"timeout http-request {edge.header_seconds}s"]


def _limits(edge: Edge) -> list[str]:
    """A source is an IPv4 address or an IPv6 network of 64 bits. Who shows the secret is the runtime itself."""
    most, digest = edge.max_connections_per_source, hashlib.sha256(edge.secret.encode()).hexdigest().upper()
    refuse = "http-request return"
    return [
        "stick-table type binary len 32 size 100k expire 1m store conn_cur,http_req_rate(1m)",
        f"tcp-request connection track-sc0 src,ipmask(32,64),hmac(sha256,{edge.source_key})",
        f"tcp-request connection reject if {{ sc0_conn_cur gt {2 * most} }}",
        f"acl shows_the_secret req.hdr({HEADER}),sha2(256),hex -m str {digest}",
        f"{_answer(refuse, 429, edge)} if {{ sc0_conn_cur gt {most} }} !shows_the_secret",
        f"{_answer(refuse, 429, edge)} if {{ sc0_http_req_rate gt {edge.max_requests_per_minute} }} !shows_the_secret",
        f"{_answer(refuse, 431, edge)} if {{ req.hdrs,length gt {edge.max_header_bytes} }}",
        f"{_answer(refuse, 431, edge)} if {{ url,length gt {edge.max_url_characters} }}",
        f"{_answer(refuse, 413, edge)} if {{ req.body_size gt {edge.max_body_bytes} }}",
    ]


def _addresses(edge: Edge) -> list[str]:
    """Whatever a client says of where it comes from is dropped; the connection says it."""
    return [
        f"http-request del-header {_FORGEABLE} -m reg",
        "http-request set-header x-forwarded-for %[src]",
        "http-request set-header x-forwarded-proto https if { ssl_fc }",
        "http-request set-header x-forwarded-proto http unless { ssl_fc }",
        f"http-request set-header {HEADER} {edge.secret}",
    ]


def _request_id() -> list[str]:
    """One id for each request, made here: what a client sends under that name is neither repeated nor logged."""
    return [
        'http-request set-var-fmt(txn.request_id) "req_%[uuid]"',
        "http-request set-header x-request-id %[var(txn.request_id)]",
        "http-after-response set-header x-request-id %[var(txn.request_id)] if { var(txn.request_id) -m found }",
    ]


def _headers() -> list[str]:
    """What the ingress puts on its answers, on those of Serve and HAProxy too."""
    return [
        f"http-after-response set-header {name} {value} unless {{ res.hdr({name}) -m found }}"
        for name, value in _COMMON.items()
    ]


def _answer(directive: str, status: int, edge: Edge) -> str:
    answer = edge.answers[status]
    body = answer.body.replace("'", r"\u0027")
    headers = "".join(f" hdr {name} {value}" for name, value in (_COMMON | dict(answer.headers)).items())
    return f"{directive} status {status} content-type application/json string '{body}'{headers}"


def _quoted(text: str) -> str:
    return '"' + re.sub(r'(["\\$])', r"\\\1", text) + '"'


def main(configuration: Path, facts: Path) -> None:
    """Complete a file in its place. It holds the secret from then on, and is its owner's alone."""
    text = complete(configuration.read_text(), read(facts.read_text()))
    completed = configuration.with_name(f"{configuration.name}.completed")
    with open(completed, "w", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        file.write(text)
    completed.replace(configuration)


if __name__ == "__main__":
    try:
        main(*map(Path, sys.argv[1:]))
    except UnexpectedConfiguration as error:
        sys.exit(f"HAProxy is not started. {error} cluster/deploy/edge.py was made for another version of Ray.")

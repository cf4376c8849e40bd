"""A versioned S3 bucket in memory, on the loopback interface: the few requests that matter, as S3 answers them.

It exists because no versioning server comes as a wheel. PUT adds a version, a DELETE without one only adds a marker,
and only a delete that names a version removes anything.
"""

import itertools
import threading
import xml.etree.ElementTree as ET
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

_NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"


class VersionedBucket(ThreadingHTTPServer):
    """``versions``: (key, version id, content or None for a marker), oldest first. ``locked``: cannot be removed."""

    def __init__(self) -> None:
        """Serve on a free port until `shutdown`."""
        super().__init__(("127.0.0.1", 0), _Handler)
        self.versions: list[tuple[str, str, bytes | None]] = []
        self.locked: set[str] = set()
        self.numbers = itertools.count(1)
        self.endpoint = f"http://127.0.0.1:{self.server_port}"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def latest(self, key: str) -> bytes | None:
        """What a GET of the key shows."""
        return next((content for name, _, content in reversed(self.versions) if name == key), None)

    def add(self, key: str, content: bytes | None) -> None:
        """A new version, or a marker."""
        self.versions.append((key, f"v{next(self.numbers)}", content))

    def remove(self, key: str, version: str | None) -> None:
        """What DELETE does."""
        if version is None:
            self.add(key, None)
        elif key not in self.locked:
            self.versions = [entry for entry in self.versions if entry[:2] != (key, version)]


class _Handler(BaseHTTPRequestHandler):
    server: VersionedBucket
    protocol_version = "HTTP/1.1"

    @property
    def key(self) -> str:
        return urlsplit(self.path).path.split("/", 2)[2] if self.path.count("/") > 1 else ""

    def do_PUT(self) -> None:
        self.server.add(self.key, self.body())
        self.answer(200)

    def do_HEAD(self) -> None:
        content = self.server.latest(self.key) if self.key else b""
        self.answer(404 if content is None else 200, content or b"")

    def do_GET(self) -> None:
        query = parse_qs(urlsplit(self.path).query, keep_blank_values=True)
        if "versioning" in query:
            self.answer(200, _xml("VersioningConfiguration", [("Status", "Enabled")]))
        elif "versions" in query:
            self.answer(200, self.listing(query.get("prefix", [""])[0], query.get("key-marker", [""])[0]))

    def do_POST(self) -> None:
        for entry in ET.fromstring(self.body()).iter(f"{{{_NAMESPACE}}}Object"):
            self.server.remove(
                str(entry.findtext(f"{{{_NAMESPACE}}}Key")), entry.findtext(f"{{{_NAMESPACE}}}VersionId")
            )
        self.answer(200, _xml("DeleteResult", []))

    def listing(self, prefix: str, after: str) -> bytes:
        """One key a page, so that paging is met."""
        keys = sorted({key for key, _, _ in self.server.versions if key.startswith(prefix) and key > after})
        root = ET.Element("ListVersionsResult", xmlns=_NAMESPACE)
        ET.SubElement(root, "IsTruncated").text = "true" if len(keys) > 1 else "false"
        if len(keys) > 1:
            ET.SubElement(root, "NextKeyMarker").text = keys[0]
        for key, version, content in self.server.versions:
            if key in keys[:1]:
                entry = ET.SubElement(root, "DeleteMarker" if content is None else "Version")
                ET.SubElement(entry, "Key").text = key
                ET.SubElement(entry, "VersionId").text = version
        return ET.tostring(root)

    def body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def answer(self, status: int, body: bytes = b"") -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


def _xml(name: str, children: list[tuple[str, str]]) -> bytes:
    root = ET.Element(name, xmlns=_NAMESPACE)
    for tag, value in children:
        ET.SubElement(root, tag).text = value
    return ET.tostring(root)

"""Search what a third party received for what it must never learn, in every form in which it could have come.

The search is worth what it finds of what was planted: `tests/unit/egress/test_wiretap.py`.
"""

import base64
import binascii
import html
import quopri
import re
import struct
import urllib.parse
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass

from tests.scan import encodings

__all__ = ["Leak", "leaks"]

_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{12,}={0,2}")
_HEX = re.compile(rb"(?:[0-9A-Fa-f]{2}){8,}")
_ESCAPED = re.compile(rb"\\u[0-9A-Fa-f]{4}")
_DEPTH = 3
_GZIP, _ZLIB = b"\x1f\x8b\x08", (b"\x78\x01", b"\x78\x9c", b"\x78\xda")
_MOST = 1 << 22


@dataclass(frozen=True)
class Leak:
    """A canary that was received, and in which form."""

    canary: str
    form: str


def leaks(received: Iterable[bytes], texts: Mapping[str, str], numbers: Mapping[str, float] | None = None) -> set[Leak]:
    """Every text and every number that lies anywhere in what was received, whatever was done to it on the way."""
    forms = {name: _forms(text) for name, text in texts.items()}
    floats = {name: _packed(number) for name, number in (numbers or {}).items()}
    found: set[Leak] = set()
    for data in received:
        for path, view in _views(data, "", _DEPTH):
            small = view.lower()
            found |= {
                Leak(name, f"{path}{form}")
                for name, each in forms.items()
                for form, value in each.items()
                if value in view or value.lower() in small
            }
            found |= {
                Leak(name, f"{path}{form}")
                for name, each in floats.items()
                for form, value in each.items()
                if value in view
            }
    return found


def _forms(text: str) -> dict[str, bytes]:
    return encodings(text) | {
        "folded": text.casefold().encode(),
        "capitals": text.upper().encode(),
        "html": html.escape(text).encode(),
        "latin-1": text.encode("latin-1", "replace"),
        "reversed": text[::-1].encode(),
        "without spaces": re.sub(r"\s", "", text).encode(),
        "quoted-printable": quopri.encodestring(text.encode()),
    }


def _packed(number: float) -> dict[str, bytes]:
    packs = {f"{order}{kind}": struct.pack(f"{order}{kind}", number) for order in "<>" for kind in "efd"}
    packs = {kind: value for kind, value in packs.items() if len(value) > 2}
    return packs | {"decimal": repr(number).encode(), "rounded": f"{number:.4f}".encode()}


def _views(data: bytes, path: str, depth: int) -> Iterator[tuple[str, bytes]]:
    """The data, and whatever can be decoded from parts of them, several times over."""
    yield path, data
    if depth == 0 or len(data) > _MOST:
        return
    for name, decoded in _decoded(data):
        yield from _views(decoded, f"{path}{name} > ", depth - 1)


def _decoded(data: bytes) -> Iterator[tuple[str, bytes]]:
    if b"%" in data and (plain := urllib.parse.unquote_to_bytes(data)) != data:
        yield "url", plain
    if _ESCAPED.search(data):
        yield "json", _ESCAPED.sub(lambda found: chr(int(found[0][2:], 16)).encode("utf-8", "replace"), data)
    if b"&#" in data or b"&amp;" in data:
        yield "html", html.unescape(data.decode("latin-1")).encode("utf-8")
    for run in _BASE64.findall(data):
        yield from _from_base64(run)
    for run in _HEX.findall(data):
        yield "hex", binascii.unhexlify(run)
    yield from _inflated(data)


def _from_base64(run: bytes) -> Iterator[tuple[str, bytes]]:
    plain = run.rstrip(b"=").replace(b"-", b"+").replace(b"_", b"/")
    for shift in range(4):
        part = plain[shift:]
        part = part[: len(part) // 4 * 4]
        if len(part) >= 8:
            yield "base64", base64.b64decode(part)
        if shift == 0 and len(plain) % 4 > 1:
            yield "base64", base64.b64decode(plain + b"=" * (-len(plain) % 4))


def _inflated(data: bytes) -> Iterator[tuple[str, bytes]]:
    for magic, bits in ((_GZIP, 31), *((magic, 15) for magic in _ZLIB)):
        start = data.find(magic)
        while start >= 0:
            with suppress(zlib.error):
                yield "deflated", zlib.decompressobj(bits).decompress(data[start:], _MOST)
            start = data.find(magic, start + 1)

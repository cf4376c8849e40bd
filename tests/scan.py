"""Search files for a text in every form in which it could lie there. A scan that finds nothing proves something only
if the same scan finds what was planted."""

import base64
import gzip
import json
import mmap
import urllib.parse
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

GZIP = b"\x1f\x8b"


@dataclass(frozen=True)
class Found:
    """A text found where it must not be."""

    file: Path
    encoding: str


def encodings(text: str) -> dict[str, bytes]:
    """The text as it would look in a file, by encoding; base64 at each of its three alignments."""
    raw = text.encode()
    forms = {
        "raw": raw,
        "hex": raw.hex().encode(),
        "HEX": raw.hex().upper().encode(),
        "url": urllib.parse.quote(text, safe="").encode(),
        "json": json.dumps(text)[1:-1].encode(),
        "utf-16-le": text.encode("utf-16-le"),
        "utf-16-be": text.encode("utf-16-be"),
    }
    for shift in range(3):
        encoded = base64.b64encode(b"\0" * shift + raw)
        forms[f"base64+{shift}"] = encoded[4 if shift else 0 : len(encoded) // 4 * 4 - 4]
    return forms


def files(places: Iterable[Path], leaving_out: Iterable[Path] = ()) -> Iterator[Path]:
    """Every regular file below ``places`` that can be read."""
    excluded = [place.resolve() for place in leaving_out]
    for place in places:
        for file in [place] if place.is_file() else sorted(place.rglob("*")):
            if file.is_file() and not file.is_symlink() and not any(file.is_relative_to(e) for e in excluded):
                yield file


def scan(places: Iterable[Path], texts: Iterable[str], leaving_out: Iterable[Path] = ()) -> list[Found]:
    """Where any of the texts lies below ``places``, in clear, encoded or compressed."""
    wanted = [(encoding, form) for text in texts for encoding, form in encodings(text).items()]
    found: list[Found] = []
    for file in files(places, leaving_out):
        try:
            found += [Found(file, encoding) for encoding in _in_file(file, wanted)]
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


def _in_file(file: Path, wanted: list[tuple[str, bytes]]) -> Iterator[str]:
    if file.stat().st_size == 0:
        return
    with file.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content:
        yield from (encoding for encoding, form in wanted if content.find(form) >= 0)
        if content[:2] == GZIP:
            plain = _decompressed(content[:])
            yield from (f"gzip {encoding}" for encoding, form in wanted if form in plain)


def _decompressed(data: bytes) -> bytes:
    try:
        return gzip.decompress(data)
    except (OSError, EOFError, zlib.error):
        return b""

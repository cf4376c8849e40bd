"""The search for what must never leave finds it in every form in which it is planted, and nothing where it is not."""

import base64
import gzip
import json
import struct
import urllib.parse
import zlib
from collections.abc import Callable

import pytest

from tests.wiretap import leaks

CANARY = "Zoë Canary-7431"
LANDMARK = 417.28125
NOISE = bytes(range(256)) * 20

PLANTS: dict[str, Callable[[str], bytes]] = {
    "raw": str.encode,
    "url": lambda text: urllib.parse.quote(text).encode(),
    "url twice": lambda text: urllib.parse.quote(urllib.parse.quote(text)).encode(),
    "base64": lambda text: base64.b64encode(text.encode()),
    "base64 within": lambda text: base64.b64encode(b"some words before " + text.encode() + b" and behind"),
    "base64 for urls": lambda text: base64.urlsafe_b64encode(b"\xff\xfe" + text.encode()),
    "base64 of json": lambda text: base64.b64encode(json.dumps({"name": text}).encode()),
    "hex": lambda text: text.encode().hex().encode(),
    "json": lambda text: json.dumps(text).encode(),
    "gzip": lambda text: gzip.compress(text.encode() * 3),
    "gzip of base64": lambda text: gzip.compress(base64.b64encode(text.encode())),
    "zlib": lambda text: zlib.compress(text.encode() * 3),
    "base64 of gzip": lambda text: base64.b64encode(gzip.compress(text.encode())),
    "utf-16": lambda text: text.encode("utf-16"),
    "utf-16 be": lambda text: text.encode("utf-16-be"),
    "case": lambda text: text.upper().encode(),
    "folded": lambda text: text.casefold().encode(),
    "html": lambda text: "".join(f"&#{ord(character)};" for character in text).encode(),
    "latin-1": lambda text: text.encode("latin-1"),
    "without spaces": lambda text: text.replace(" ", "").encode(),
    "reversed": lambda text: text[::-1].encode(),
}


@pytest.mark.parametrize("form", PLANTS)
def test_a_planted_text_is_found(form: str) -> None:
    planted = NOISE + b'"' + PLANTS[form](CANARY) + b'"' + NOISE
    assert {leak.canary for leak in leaks([planted], {"name": CANARY})} == {"name"}
    assert not leaks([planted], {"other": "Somebody Else-88"})


@pytest.mark.parametrize("kind", ["<f", ">f", "<d", ">d"])
def test_a_planted_number_is_found(kind: str) -> None:
    planted = NOISE + struct.pack(kind, LANDMARK) + NOISE
    assert leaks([planted], {}, {"landmark": LANDMARK})
    assert leaks([base64.b64encode(planted)], {}, {"landmark": LANDMARK})
    assert leaks([f"[{LANDMARK}]".encode()], {}, {"landmark": LANDMARK})
    assert not leaks([planted], {}, {"landmark": LANDMARK + 1})


def test_noise_has_nothing() -> None:
    assert not leaks([NOISE, b""], {"name": CANARY}, {"landmark": LANDMARK})

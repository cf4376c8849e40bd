"""A client of an emulated provider, for its tests: as strict as little, it sends what it is told to."""

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from tests.emulators.emulator import Emulator
from tests.emulators.server import serving
from tests.photos import building, jpeg

__all__ = ["PHOTO", "PHOTO_BASE64", "as_base64", "client_of", "without"]


def as_base64(data: bytes) -> str:
    """The bytes as vendors take them."""
    return base64.b64encode(data).decode()


PHOTO = jpeg(building())
PHOTO_BASE64 = as_base64(PHOTO)


@contextmanager
def client_of(emulator: Emulator) -> Iterator[httpx.Client]:
    """A client with the right key while the emulator serves."""
    headers = {"authorization": f"Bearer {emulator.api_key}"}
    with serving(emulator.app) as server, httpx.Client(base_url=server.url, headers=headers, timeout=60) as client:
        yield client


def without(body: dict[str, Any], name: str) -> dict[str, Any]:
    """The body with one field less."""
    return {key: value for key, value in body.items() if key != name}

"""Each adapter with the emulator that it speaks to, and payloads that hold something of everything."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from serve.egress.registered import access_of
from serve.recipients.adapter import Adapter
from serve.recipients.payload import Asked, Payload, Picture
from serve.recipients.registry import create
from tests.emulators.catalogue import find
from tests.emulators.emulator import Emulator
from tests.emulators.server import Server, serving
from tests.handing_over import MODELS, secrets_of, used
from tests.photos import jpeg, person
from tests.recipients import register

__all__ = ["ONE", "PHOTO", "TWO", "VENDORS", "Vendor", "adapter_at", "payload", "vendor"]

VENDORS = ("kling", "wan", "veo", "openai_videos")
"""Bedrock has a file of its own."""
ONE, TWO = "0123456789abcdef" * 2, "fedcba9876543210" * 2
PHOTO = jpeg(person())
_ASKED: dict[str, dict[str, Any]] = {
    "kling": {"seconds": 5, "resolution": "pro", "negative_prompt": "fog", "audio": True},
    "wan": {"seconds": 3, "resolution": "1080P", "negative_prompt": "fog", "seed": 7},
    "veo": {"seconds": 4, "resolution": "720p", "aspect_ratio": "9:16", "negative_prompt": "fog", "seed": 7},
    "openai_videos": {"seconds": 4, "size": "720x1280"},
}


@dataclass(frozen=True)
class Vendor:
    """An emulator that answers, and the adapter that has its keys."""

    name: str
    emulator: Emulator
    server: Server
    adapter: Adapter

    @property
    def model(self) -> str:
        """What the vendor calls the model that is used."""
        return register(used(self.name, self.server.url)).recipients[self.name].provider_model(MODELS[self.name])


def adapter_at(name: str, url: str, secrets: dict[str, str]) -> Adapter:
    """The adapter at an address, with these credentials."""
    entry = register(used(name, url)).recipients[name]
    return create(str(entry.adapter), access_of(entry, secrets))


@contextmanager
def vendor(name: str) -> Iterator[Vendor]:
    """One while the block lasts."""
    emulator = find(name)(poll_steps=1)
    with serving(emulator.app) as server:
        yield Vendor(name, emulator, server, adapter_at(name, server.url, secrets_of(emulator, server.url)))


def payload(of: Vendor, submission_id: str = ONE, prompt: str = "the sun rises") -> Payload:
    """A payload that asks for all that the vendor's model takes."""
    picture = Picture(data=PHOTO, content_type="image/jpeg", width=512, height=512)
    asked = Asked(**_ASKED[of.name])
    return Payload(submission_id=submission_id, model=of.model, picture=picture, prompt=prompt, asked=asked)

"""The register's models as entries of the catalogue. What each says of where data go is made from the register."""

from typing import Any

from cluster.privacy.provider_models import Audio, Capabilities
from cluster.privacy.recipients import Recipient, Register
from cluster.privacy.share_notices import DATA, copies

__all__ = ["entries"]

_FEATURES = ("image_to_video",)


def entries(register: Register) -> dict[str, dict[str, Any]]:
    """Every model of every third party, in use or not, retired or not, as the catalogue's file would describe it."""
    return {name: _entry(one, name) for one in register.providers() for name in one.models}


def _entry(recipient: Recipient, name: str) -> dict[str, Any]:
    entry = recipient.models[name]
    return {
        "engine": recipient.adapter,
        "title": entry.title,
        "recipient": recipient.id,
        "weights": (),
        "price": entry.price.model_dump(),
        "lifecycle": entry.stated.value,
        "lifecycle_dates": {
            "created": entry.created,
            "deprecated": entry.deprecated_on,
            "retired": entry.retired_on,
        },
        "replacement": entry.replacement,
        "capabilities": _shown(entry.capabilities),
        "disclosure": _disclosure(recipient),
        "provider": recipient,
        "takes": entry.capabilities,
    }


def _disclosure(recipient: Recipient) -> dict[str, Any]:
    """Where data go, for everybody who looks at a model or at a video."""
    return {
        "recipient": recipient.company,
        "country": recipient.country,
        "data": tuple(DATA[one] for one in recipient.data),
        "purpose": recipient.purpose,
        "sentence": f"Goes to {recipient.company} ({recipient.country}) if you have agreed to it. {copies(recipient)}",
        "cannot_be_deleted": recipient.copies.cannot_be_deleted,
    }


def _shown(takes: Capabilities) -> dict[str, Any]:
    """The row as `GET /v1/models` shows it."""
    row = takes.model_dump(mode="json", exclude={"negative_prompt"})
    return {
        "features": list(_FEATURES),
        **row,
        "negative_prompt": takes.negative_prompt > 0,
        "audio": {Audio.NEVER: False, Audio.ALWAYS: True, Audio.SWITCH: "choice"}[takes.audio],
    }

"""From the register to what the way out knows of a recipient: its bounds, its words, its budgets, its copies."""

from collections.abc import Mapping
from datetime import date
from functools import partial
from typing import Any, Final

from cluster.privacy import recipients
from cluster.privacy.obstacles import Obstacle, Profile, obstacle
from cluster.privacy.provider_models import PhotoLimits
from cluster.privacy.recipients import Fate
from serve.egress.client import Client
from serve.egress.gate import Receiver
from serve.egress.recipient import Model, Recipient
from serve.media.outgoing import PictureBounds
from serve.provider_parameters import ProviderParameters, asked
from serve.recipients.adapter import Access, Adapter
from serve.recipients.payload import Asked

__all__ = ["access_of", "recipient_of"]

_ANY_SIDE: Final = 16_384
_ANY_ASPECT: Final = 100.0
_IDEMPOTENT: Final = "idempotent"
"""The option by which an operator says so of an upstream of their own choice."""


def access_of(entry: recipients.Recipient, secrets: Mapping[str, str]) -> Access:
    """How an adapter reaches a recipient in use; ``secrets`` by the names that the register gives its credentials.

    Raises:
        ValueError: nobody has said where it is, or it has no such credential.
    """
    if entry.use is None or entry.base_url is None:
        raise ValueError(f"{entry.id} is not used by this installation")
    if unknown := secrets.keys() - set(entry.credentials):
        raise ValueError(f"{entry.id} has no credential of the name {', '.join(sorted(unknown))}")
    return Access(entry.base_url, secrets, entry.chosen_options | {"region": entry.region_name})


def recipient_of(entry: recipients.Recipient, adapter: Adapter, client: Client, profile: Profile) -> Recipient:
    """A provider of the register, reached through ``client`` in the words of ``adapter``.

    Raises:
        ValueError: it is no provider.
    """
    if entry.budgets is None:
        raise ValueError(f"{entry.id} makes no videos")
    return Recipient(
        receiver=Receiver(entry.id, entry.country, [one.value for one in entry.data], entry.budgets.per_minute),
        adapter=adapter,
        client=client,
        models={
            entry.provider_model(name): Model(
                _bounds(model.capabilities.photo),
                _translated,
                partial(_obstacle, entry, name, profile),
                model.capabilities.idempotency or entry.chosen_options.get(_IDEMPOTENT) == "true",
            )
            for name, model in entry.models.items()
        },
        can_delete=entry.copies.fate is Fate.DELETED,
        copy_days=entry.last_copy_days,
    )


def _obstacle(entry: recipients.Recipient, model: str, profile: Profile, today: date) -> Obstacle | None:
    return obstacle(entry, model, today=today, profile=profile)


def _bounds(photo: PhotoLimits) -> PictureBounds:
    return PictureBounds(photo.max_bytes, photo.min_side, photo.max_side or _ANY_SIDE, photo.max_aspect or _ANY_ASPECT)


def _translated(stored: Mapping[str, Any]) -> Asked:
    """From a job's parameters, which the door has held against the model's row."""
    return Asked(**asked(ProviderParameters.model_validate(stored)))

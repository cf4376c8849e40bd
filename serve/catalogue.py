"""The models that can be asked for: our own, as `configs/models.yaml` lists them, and those of the register."""

import math
from collections.abc import Mapping
from datetime import date
from functools import cache
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field

from cluster import settings
from cluster.errors import ModelNotFound
from cluster.privacy import recipients
from cluster.privacy.obstacles import Obstacle, ObstacleCode, Profile, obstacle
from cluster.privacy.provider_models import Capabilities
from cluster.privacy.purposes import Purpose, share_purpose
from cluster.privacy.recipients import Recipient, Register
from cluster.settings import configs_folder
from serve import third_party_models
from serve.engines.parameters import DEFAULT_AREA, VideoParameters
from serve.models.weights import WeightSpec
from serve.provider_parameters import ProviderParameters

__all__ = ["Catalogue", "Disclosure", "LifecycleDates", "Model", "Price", "Standing", "load", "read"]


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Price(_Entry):
    """What a video costs, in credits."""

    base_credits: int = Field(ge=0)
    credits_per_second: int = Field(ge=0)


class Disclosure(_Entry):
    """Where data goes when this model is used."""

    recipient: str
    country: str
    data: tuple[str, ...]
    purpose: str
    sentence: str
    cannot_be_deleted: tuple[str, ...] = Field(default=(), description="What nobody can have deleted there.")


class LifecycleDates(_Entry):
    """The days of a model's life that are known; null is a day that nobody has named."""

    created: date | None = Field(default=None, description="Since when there is it.")
    deprecated: date | None = Field(default=None, description="From when another one is recommended.")
    retired: date | None = Field(default=None, description="From when there is none any more.")


class Model(_Entry):
    """One model that a video can be made with."""

    engine: str
    title: str
    recipient: str | None
    weights: tuple[str, ...]
    price: Price
    lifecycle: Literal["live", "deprecated", "retired"]
    lifecycle_dates: LifecycleDates = LifecycleDates()
    replacement: str | None = Field(default=None, description="The model that does the same and is offered.")
    capabilities: Mapping[str, Any]
    disclosure: Disclosure
    provider: Recipient | None = Field(default=None, exclude=True, repr=False)
    """Who makes its videos, if we do not; ``takes`` is what can be asked for then."""
    takes: Capabilities | None = Field(default=None, exclude=True, repr=False)

    @property
    def purposes(self) -> tuple[str, ...]:
        """The purposes that somebody must agree to before this model is used."""
        shared = (share_purpose(self.recipient),) if self.recipient else ()
        return (Purpose.AI_PROCESSING.value, *shared)

    def gone(self) -> ModelNotFound:
        """The error for whoever asks for it once it is retired: it says what to ask for instead."""
        ended = self.lifecycle_dates.retired
        since = f" since {ended.isoformat()}" if ended else ""
        known = {"replacement": self.replacement, "retired_on": ended and ended.isoformat()}
        details = {name: value for name, value in known.items() if value}
        way = f"Use {self.replacement!r} instead" if self.replacement else "GET /v1/models lists the live ones"
        return ModelNotFound(f"This model is retired{since}. {way}.", code="model_retired", details=details)

    def price_of(self, parameters: VideoParameters | ProviderParameters) -> int:
        """Credits for one video: by its seconds, and by the area of our own where that is larger than the default."""
        area = DEFAULT_AREA
        if parameters.size and self.provider is None:
            width, height = map(int, parameters.size.split("x"))
            area = max(area, width * height)
        return self.price.base_credits + math.ceil(
            self.price.credits_per_second * parameters.seconds * area / DEFAULT_AREA
        )


class Standing(_Entry):
    """Whether a video can be made with a model today: a day that was announced comes by itself, and papers end."""

    lifecycle: Literal["live", "deprecated", "retired"]
    available: bool
    unavailable_because: str | None


class Catalogue(BaseModel):
    """The file as a whole."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    models: Mapping[str, Model]
    weights: Mapping[str, WeightSpec]

    def model(self, name: str) -> Model:
        """The model of that name.

        Raises:
            ModelNotFound: there is none, or it is retired.
        """
        model = self.models.get(name)
        if model is None:
            raise ModelNotFound(param="model")
        if model.lifecycle == "retired":
            raise model.gone()
        return model

    def obstacle(self, name: str, *, today: date, profile: Profile) -> Obstacle | None:
        """What keeps a model from being used today, whatever anybody has agreed to; None if nothing does."""
        provider = self.models[name].provider
        return obstacle(provider, name, today=today, profile=profile) if provider else None

    def standing(self, name: str, *, today: date, profile: Profile) -> Standing:
        """How a model stands today."""
        found = self.obstacle(name, today=today, profile=profile)
        ended = found is not None and found.code is ObstacleCode.MODEL_RETIRED
        lifecycle = "retired" if ended else self.models[name].lifecycle
        because = found.sentence if found else None
        return Standing(
            lifecycle=lifecycle, available=found is None and lifecycle != "retired", unavailable_because=because
        )


@cache
def load() -> Catalogue:
    """The catalogue of this installation, read once."""
    return read(recipients.load(settings.load()))


def read(register: Register) -> Catalogue:
    """The catalogue with the models of a register's third parties."""
    own = yaml.safe_load((configs_folder() / "models.yaml").read_text(encoding="utf-8"))
    return Catalogue.model_validate(own | {"models": own["models"] | third_party_models.entries(register)})

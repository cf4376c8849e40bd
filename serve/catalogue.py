"""The models that can be asked for, as `configs/models.yaml` lists them."""

import math
from collections.abc import Mapping
from functools import cache
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field

from cluster.errors import ModelNotFound
from cluster.privacy.purposes import Purpose, share_purpose
from cluster.settings import configs_folder
from serve.engines.parameters import DEFAULT_AREA, VideoParameters
from serve.models.weights import WeightSpec

__all__ = ["Catalogue", "Disclosure", "Model", "Price", "load"]


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


class Model(_Entry):
    """One model that a video can be made with."""

    engine: str
    title: str
    recipient: str | None
    weights: tuple[str, ...]
    price: Price
    lifecycle: Literal["live", "legacy", "retired"]
    capabilities: Mapping[str, Any]
    disclosure: Disclosure

    @property
    def purposes(self) -> tuple[str, ...]:
        """The purposes that somebody must agree to before this model is used."""
        shared = (share_purpose(self.recipient),) if self.recipient else ()
        return (Purpose.AI_PROCESSING.value, *shared)

    def price_of(self, parameters: VideoParameters) -> int:
        """Credits for one video: by its seconds, and by its area where that is larger than the default."""
        area = DEFAULT_AREA
        if parameters.size:
            width, height = map(int, parameters.size.split("x"))
            area = max(area, width * height)
        return self.price.base_credits + math.ceil(
            self.price.credits_per_second * parameters.seconds * area / DEFAULT_AREA
        )


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
            raise ModelNotFound("This model is retired. GET /v1/models lists the live ones.", code="model_retired")
        return model


@cache
def load() -> Catalogue:
    """The catalogue of this installation, read once."""
    source = (configs_folder() / "models.yaml").read_text(encoding="utf-8")
    return Catalogue.model_validate(yaml.safe_load(source))

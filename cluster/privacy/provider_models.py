"""A third party's model as the register describes it: what it takes, what it costs, and how long there will be one."""

from datetime import date
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

__all__ = ["Audio", "Capabilities", "Lifecycle", "PhotoLimits", "ProviderModel", "ProviderPrice"]


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, protected_namespaces=())


class Lifecycle(StrEnum):
    """Whether a model can be asked for, and for how long one should count on that."""

    LIVE = "live"
    DEPRECATED = "deprecated"
    RETIRED = "retired"


class Audio(StrEnum):
    """Whether a video has sound."""

    NEVER = "never"
    ALWAYS = "always"
    SWITCH = "switch"


class PhotoLimits(_Entry):
    """What the provider takes as a photo; ours is encoded anew to fit."""

    max_bytes: int = Field(gt=0)
    min_side: int = Field(ge=1)
    max_side: int | None = Field(default=None, ge=1)
    max_aspect: float | None = Field(default=None, gt=1, description="Longer side by shorter side.")
    types: tuple[Literal["image/jpeg", "image/png"], ...] = Field(min_length=1)


class Capabilities(_Entry):
    """The row of what a model takes. The first of several choices is what it gets when nothing is said."""

    seconds: tuple[Annotated[int, Field(ge=1, le=60)], ...] = Field(min_length=1)
    resolutions: tuple[str, ...] = ()
    sizes: tuple[Annotated[str, Field(pattern=r"^[0-9]{2,5}x[0-9]{2,5}$")], ...] = ()
    aspect_ratios: tuple[Annotated[str, Field(pattern=r"^[0-9]{1,2}:[0-9]{1,2}$")], ...] = ()
    seed: bool
    negative_prompt: int = Field(ge=0, description="Characters that it may have; 0: the model takes none.")
    audio: Audio
    last_frame: bool
    prompt: int = Field(ge=1, description="Characters that the prompt may have.")
    photo: PhotoLimits
    cancel: Literal["never", "while_waiting", "always"]
    idempotency: bool = Field(description="Whether the provider itself makes one task of a submission sent twice.")


class ProviderPrice(_Entry):
    """Credits for one video."""

    base_credits: int = Field(ge=0)
    credits_per_second: int = Field(ge=0)


class ProviderModel(_Entry):
    """One model. ``provider_model`` is the provider's own name of it."""

    provider_model: str = Field(min_length=1)
    title: str = Field(min_length=3)
    created: date = Field(description="The day from which its provider has offered it, as announced.")
    stated: Lifecycle = Field(alias="lifecycle", description="What its provider says today.")
    deprecated_on: date | None = Field(default=None, description="The day from which another one is recommended.")
    retired_on: date | None = Field(default=None, description="The day from which there is none any more.")
    replacement: str | None = Field(default=None, description="The model of this catalogue that does the same.")
    capabilities: Capabilities
    price: ProviderPrice

    @model_validator(mode="after")
    def _ends_on_a_day(self) -> Self:
        if self.stated is Lifecycle.RETIRED and self.retired_on is None:
            raise ValueError("a retired model has the day on which it ended")
        if self.stated is Lifecycle.DEPRECATED and self.deprecated_on is None:
            raise ValueError("a deprecated model has the day from which another is recommended")
        if self.retired_on and self.retired_on <= self.created:
            raise ValueError("a model ends after it began")
        return self

    def lifecycle(self, today: date) -> Lifecycle:
        """Where the model stands: a day that was announced comes by itself."""
        gone = self.retired_on is not None and self.retired_on <= today
        return Lifecycle.RETIRED if gone else self.stated

"""What a third party's model is asked for, held against the row of what it takes; nothing it lacks is passed over."""

import re
from collections.abc import Mapping
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from cluster.errors import InvalidRequest
from cluster.privacy.provider_models import Audio, Capabilities

__all__ = ["ProviderParameters", "asked", "read_parameters"]

_UNSUPPORTED: Final = "unsupported_parameter"
_USUAL_SIDE: Final = 720
_CHOICES: Final = {
    "seconds": "seconds",
    "resolution": "resolutions",
    "size": "sizes",
    "aspect_ratio": "aspect_ratios",
}
"""The parameters that are one of a list, with the name of that list."""


class ProviderParameters(BaseModel):
    """The length, the shape and the rest of what steers a video. Numbers and booleans may come as strings.

    ``negative_prompt`` is somebody's own words: it is left out of what is stored in clear.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    seconds: int = Field(ge=1, description="Length of the video; one of those that the model makes.")
    resolution: str | None = Field(default=None, max_length=20, description="In the model's own words.")
    size: str | None = Field(default=None, max_length=20, description="`WIDTHxHEIGHT` in pixels.")
    aspect_ratio: str | None = Field(default=None, max_length=20, description="As `16:9`.")
    seed: int | None = Field(default=None, ge=0, le=2**31 - 1, description="Repeats a video as far as the model can.")
    audio: bool | None = Field(default=None, description="Whether the video has sound.")
    negative_prompt: str = Field(default="", exclude=True, repr=False, description="What should not be seen.")

    def output_size(self, photo_width: int, photo_height: int) -> tuple[int, int]:
        """Width and height that the video will have, as far as can be said before it has come."""
        if self.size:
            width, height = map(int, self.size.split("x"))
            return width, height
        across, down = map(int, (self.aspect_ratio or f"{photo_width}:{photo_height}").split(":"))
        lines = re.match(r"[0-9]{3,4}(?=[pP]$)", self.resolution or "")
        scale = (int(lines[0]) if lines else _USUAL_SIDE) / min(across, down)
        return 2 * round(across * scale / 2), 2 * round(down * scale / 2)


def read_parameters(capabilities: Capabilities, fields: Mapping[str, Any]) -> ProviderParameters:
    """The parameters of a request, with the model's first choice where nothing is said.

    Raises:
        InvalidRequest: the model does not take a field or its value; the message names what it does take.
    """
    given = {name: value for name, value in fields.items() if value is not None}
    taken = _taken(capabilities)
    for name in given:
        if name not in taken:
            known = name if name in ProviderParameters.model_fields else None
            says = (
                f"{known}: this model does not take it" if known else "There is a field that this model does not take"
            )
            raise InvalidRequest(f"{says}. It takes {', '.join(taken)}.", code=_UNSUPPORTED, param=known)
    firsts = {name: choices[0] for name, choices in _lists(capabilities).items()}
    try:
        parameters = ProviderParameters.model_validate(firsts | given)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        name = str(first["loc"][0])
        raise InvalidRequest(f"{name}: {first['msg']}.", param=name) from None
    _check(capabilities, parameters)
    return parameters


def asked(parameters: ProviderParameters) -> dict[str, Any]:
    """The same for an adapter, as the fields of its `Asked`: what was not said is left out."""
    said = {name: getattr(parameters, name) for name in ProviderParameters.model_fields}
    return {name: value for name, value in said.items() if value not in (None, "")}


def _lists(capabilities: Capabilities) -> dict[str, tuple[Any, ...]]:
    """The choices of each parameter that the model has a list for."""
    lists = {name: getattr(capabilities, of) for name, of in _CHOICES.items()}
    return {name: choices for name, choices in lists.items() if choices}


def _taken(capabilities: Capabilities) -> list[str]:
    switches = {
        "seed": capabilities.seed,
        "audio": capabilities.audio is Audio.SWITCH,
        "negative_prompt": capabilities.negative_prompt > 0,
    }
    return [*_lists(capabilities), *(name for name, has_it in switches.items() if has_it)]


def _check(capabilities: Capabilities, parameters: ProviderParameters) -> None:
    for name, choices in _lists(capabilities).items():
        if getattr(parameters, name) not in choices:
            made = ", ".join(map(str, sorted(choices) if name == "seconds" else choices))
            raise InvalidRequest(f"{name}: this model takes one of {made}.", code=_UNSUPPORTED, param=name)
    words = parameters.negative_prompt
    if len(words) > capabilities.negative_prompt:
        longest = capabilities.negative_prompt
        raise InvalidRequest(f"negative_prompt: this may have at most {longest} characters.", param="negative_prompt")
    if any("\ud800" <= character <= "\udfff" for character in words):
        raise InvalidRequest("negative_prompt: this is not valid Unicode.", param="negative_prompt")

"""All that an adapter ever learns of a job. What has no field here cannot leave: no account, name, address or face.

The picture was decoded and encoded anew, so that it carries pixels and nothing else.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["Asked", "Payload", "Picture", "SubmissionId"]

SubmissionId = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
"""128 random bits, drawn for this submission alone: they lead to no account, no job and no other submission."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Picture(_Frozen):
    """An encoded picture without metadata; ``width`` and ``height`` in pixels."""

    data: bytes = Field(repr=False)
    content_type: Literal["image/jpeg", "image/png"]
    width: int = Field(ge=1)
    height: int = Field(ge=1)


class Asked(_Frozen):
    """What steers the video. Each adapter takes what its capability row names; the ingress has refused the rest.

    ``seconds`` is one of the lengths that the model makes; ``resolution`` is in the model's own words;
    ``aspect_ratio`` is as ``16:9``.
    """

    seconds: int = Field(ge=1, le=60)
    resolution: str = ""
    aspect_ratio: str = ""
    size: str = ""
    """``WIDTHxHEIGHT``, for models that are asked in pixels."""
    seed: int | None = Field(default=None, ge=0, le=2**31 - 1)
    negative_prompt: str = Field(default="", repr=False)
    audio: bool = False


class Payload(_Frozen):
    """One submission: the picture, the prompt, the parameters, and a random id."""

    submission_id: SubmissionId
    model: str = Field(description="The recipient's own name of the model.")
    picture: Picture
    prompt: str = Field(repr=False)
    asked: Asked

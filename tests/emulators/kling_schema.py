"""What Kling takes: the body that makes a video of an image, and the questions about it, as its documentation says."""

from typing import Annotated, Final, Literal

from PIL import Image
from pydantic import Field

from tests.emulators.strict import Invalid, StrictModel, decode_base64, open_image

__all__ = ["DURATIONS", "ImageToVideo", "Page", "take_image"]

DURATIONS: Final[dict[str, frozenset[str]]] = {
    "kling-v3": frozenset(map(str, range(3, 16))),
    "kling-v2-6": frozenset({"5", "10"}),
    "kling-v2-5-turbo": frozenset({"5", "10"}),
    "kling-v2-1": frozenset({"5", "10"}),
}
"""The models that are on sale, and the seconds that each makes."""

_MOST_BYTES: Final = 10 * 1024 * 1024
_LEAST_SIDE: Final = 300
_MOST_ASPECT: Final = 2.5

_Text = Annotated[str, Field(max_length=2500)]
_Reference = Annotated[str, Field(min_length=1, max_length=64)]


class ImageToVideo(StrictModel):
    """The body of a create. Durations are strings; there is neither a seed nor a size."""

    model_name: str
    image: str
    image_tail: str | None = None
    prompt: _Text = ""
    negative_prompt: _Text = ""
    duration: str = "5"
    mode: Literal["std", "pro", "4k"] = "std"
    sound: Literal["on", "off"] = "off"
    cfg_scale: Annotated[float, Field(ge=0, le=1)] = 0.5
    callback_url: str | None = None
    external_task_id: _Reference | None = None


class Page(StrictModel):
    """The query of a list."""

    pageNum: Annotated[int, Field(ge=1, le=1000, strict=False)] = 1  # noqa: N815 - Kling's word
    pageSize: Annotated[int, Field(ge=1, le=500, strict=False)] = 30  # noqa: N815 - Kling's word


def take_image(text: str) -> bytes:
    """An image as bare base64. Kling would fetch an address too; here nothing is fetched, so it is refused.

    Raises:
        Invalid: it is not such an image, or out of bounds.
    """
    if text.startswith(("data:", "http://", "https://")):
        raise Invalid("image must be raw Base64 without any prefix")
    data = decode_base64(text)
    if len(data) > _MOST_BYTES:
        raise Invalid("image size must not exceed 10MB")
    _check_sides(open_image(data, ("JPEG", "PNG")))
    return data


def _check_sides(picture: Image.Image) -> None:
    if min(picture.size) < _LEAST_SIDE:
        raise Invalid("image width and height must be at least 300px")
    if max(picture.size) > _MOST_ASPECT * min(picture.size):
        raise Invalid("image aspect ratio must be between 1:2.5 and 2.5:1")

"""What DashScope takes for Wan: another body for models since 2.7 than for those before, as its documentation says."""

import re
from typing import Annotated, Final, Literal

from PIL import Image
from pydantic import Field

from tests.emulators.strict import Invalid, StrictModel, decode_base64, open_image

__all__ = ["LEGACY_MODELS", "MODELS", "Body", "LegacyBody", "Listing", "take_image", "take_legacy_image"]

MODELS: Final = frozenset({"wan2.7-i2v"})
LEGACY_MODELS: Final = frozenset({"wan2.6-i2v", "wan2.6-i2v-flash", "wan2.5-i2v-preview", "wan2.2-i2v-plus"})

_MEGABYTE: Final = 1024 * 1024
_DATA_URI: Final = re.compile(r"data:image/(?:jpeg|png|bmp|webp);base64,(?P<data>.*)", re.DOTALL)
_FORMATS: Final = ("JPEG", "PNG", "BMP", "WEBP")

_Seed = Annotated[int, Field(ge=0, le=2147483647)]


class _LegacyInput(StrictModel):
    prompt: Annotated[str, Field(max_length=1500)] = ""
    negative_prompt: Annotated[str, Field(max_length=500)] = ""
    img_url: str


class _LegacyParameters(StrictModel):
    resolution: Literal["480P", "720P", "1080P"] = "1080P"
    duration: Annotated[int, Field(ge=2, le=15)] = 5
    prompt_extend: bool = True
    watermark: bool = False
    seed: _Seed | None = None


class LegacyBody(StrictModel):
    """A create for a model of 2.6 or older."""

    model: str
    input: _LegacyInput
    parameters: _LegacyParameters = _LegacyParameters()


class _Medium(StrictModel):
    type: Literal["first_frame", "last_frame"]
    url: str


class _Input(StrictModel):
    prompt: Annotated[str, Field(max_length=5000)] = ""
    negative_prompt: Annotated[str, Field(max_length=500)] = ""
    media: Annotated[list[_Medium], Field(min_length=1, max_length=2)]


class _Parameters(StrictModel):
    resolution: Literal["720P", "1080P"] = "1080P"
    duration: Annotated[int, Field(ge=2, le=15)] = 5
    prompt_extend: bool = True
    watermark: bool = False
    seed: _Seed | None = None


class Body(StrictModel):
    """A create for a model of 2.7."""

    model: str
    input: _Input
    parameters: _Parameters = _Parameters()

    def frame(self, kind: str) -> str | None:
        """The image of that kind.

        Raises:
            Invalid: there are two of them.
        """
        urls = [medium.url for medium in self.input.media if medium.type == kind]
        if len(urls) > 1:
            raise Invalid(f"input.media: more than one {kind}")
        return urls[0] if urls else None


class Listing(StrictModel):
    """The query of a list. Instants are written YYYYMMDDhhmmss, and at most 24 hours apart."""

    start_time: Annotated[str, Field(pattern=r"^\d{14}$")] | None = None
    end_time: Annotated[str, Field(pattern=r"^\d{14}$")] | None = None
    model_name: str | None = None
    status: Literal["PENDING", "RUNNING", "SUSPENDED", "SUCCEEDED", "FAILED", "CANCELED"] | None = None
    page_no: Annotated[int, Field(ge=1, strict=False)] = 1
    page_size: Annotated[int, Field(ge=1, le=100, strict=False)] = 10


def take_image(url: str) -> bytes:
    """An image for 2.7: at most 20 MB, 240 to 8000 pixels, 1:8 to 8:1, and nothing transparent.

    Raises:
        Invalid: it is not such an image.
    """
    data, picture = _image(url, 20 * _MEGABYTE, 240, 8000)
    if max(picture.size) > 8 * min(picture.size):
        raise Invalid("the aspect ratio of the image must be between 1:8 and 8:1")
    if "A" in picture.getbands() or "transparency" in picture.info:
        raise Invalid("images with an alpha channel are not supported")
    return data


def take_legacy_image(url: str) -> bytes:
    """An image for 2.6 and older: at most 10 MB, 360 to 2000 pixels.

    Raises:
        Invalid: it is not such an image.
    """
    return _image(url, 10 * _MEGABYTE, 360, 2000)[0]


def _image(url: str, most_bytes: int, least: int, most: int) -> tuple[bytes, Image.Image]:
    # DashScope fetches addresses as well; here nothing is fetched, so they are refused.
    match = _DATA_URI.fullmatch(url)
    if match is None:
        raise Invalid("the image must be given as data:{MIME type};base64,{data}")
    data = decode_base64(match["data"])
    if len(data) > most_bytes:
        raise Invalid("the image is too large")
    picture = open_image(data, _FORMATS)
    if min(picture.size) < least or max(picture.size) > most:
        raise Invalid(f"width and height of the image must be between {least} and {most} pixels")
    return data, picture

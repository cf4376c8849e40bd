"""What an OpenAI-compatible video API takes: the form that makes a video of an image, and the question for a list."""

from typing import Annotated, Final, Literal

from pydantic import Field
from starlette.datastructures import UploadFile
from starlette.requests import Request

from tests.emulators.strict import Invalid, StrictModel, open_image, parse

__all__ = ["MODELS", "CreateVideo", "Page", "read_form"]

MODELS: Final = frozenset({"sora-2", "sora-2-pro"})

_FORMATS: Final = ("JPEG", "PNG", "WEBP")


class CreateVideo(StrictModel):
    """The fields of a create, without its file. All of a form is text, `seconds` too."""

    prompt: Annotated[str, Field(min_length=1, max_length=32000)]
    model: str = "sora-2"
    seconds: Literal["4", "8", "12"] = "4"
    size: Literal["720x1280", "1280x720", "1024x1792", "1792x1024"] = "720x1280"
    seed: Annotated[int | None, Field(ge=0, lt=2**32, strict=False)] = None
    negative_prompt: Annotated[str | None, Field(max_length=32000)] = None


class Page(StrictModel):
    """The query of a list."""

    limit: Annotated[int, Field(ge=1, le=100, strict=False)] = 20
    order: Literal["asc", "desc"] = "desc"
    after: str | None = None


async def read_form(request: Request) -> tuple[CreateVideo, bytes]:
    """The fields of a multipart create, and its photo.

    Raises:
        Invalid: it is no such form, a field comes twice, or `input_reference` is not a file that is a picture.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "multipart/form-data":
        raise Invalid("Content-Type must be multipart/form-data")
    async with request.form() as form:
        fields = dict(form)
        if len(fields) != len(form.multi_items()):
            raise Invalid("a field is there twice")
        upload = fields.pop("input_reference", None)
        if not isinstance(upload, UploadFile):
            raise Invalid("input_reference: must be a file")
        photo = await upload.read()
        declared = upload.content_type
    body = parse(CreateVideo, fields)
    picture = open_image(photo, _FORMATS)
    if declared != f"image/{(picture.format or '').lower()}":
        raise Invalid("input_reference: its content type is not that of the picture")
    return body, photo

"""What Bedrock's asynchronous invocations and Luma Ray2 take. `tags` exist there; here they are refused, for none may
ever come."""

from datetime import datetime
from typing import Annotated, Final, Literal

from pydantic import Field

from tests.emulators.strict import Invalid, StrictModel, decode_base64, open_image

__all__ = ["Page", "StartAsyncInvoke"]

_LEAST_SIDE: Final = 512
_MOST_SIDE: Final = 4096
_MOST_BYTES: Final = 25 * 1024 * 1024


class _Source(StrictModel):
    """An image, inline."""

    type: Literal["base64"]
    media_type: Literal["image/jpeg", "image/png"]
    data: str

    def take(self) -> bytes:
        """The image.

        Raises:
            Invalid: it is not one of that type, or out of bounds.
        """
        data = decode_base64(self.data)
        if len(data) > _MOST_BYTES:
            raise Invalid("image size must not exceed 25MB")
        picture = open_image(data, ("JPEG",) if self.media_type == "image/jpeg" else ("PNG",))
        if min(picture.size) < _LEAST_SIDE or max(picture.size) > _MOST_SIDE:
            raise Invalid("image width and height must be between 512 and 4096")
        return data


class _Frame(StrictModel):
    type: Literal["image"]
    source: _Source


class _Keyframes(StrictModel):
    frame0: _Frame


class _Ray2(StrictModel):
    """The model's own part of an invocation, with an image to begin with."""

    prompt: Annotated[str, Field(min_length=1, max_length=5000)]
    aspect_ratio: Literal["1:1", "16:9", "9:16", "4:3", "3:4", "21:9", "9:21"] = "16:9"
    loop: bool = False
    duration: Literal["5s", "9s"] = "5s"
    resolution: Literal["540p", "720p"] = "720p"
    keyframes: _Keyframes


class _S3(StrictModel):
    s3Uri: Annotated[str, Field(max_length=1024, pattern=r"^s3://[a-z0-9][.\-a-z0-9]{1,61}[a-z0-9]/.+$")]  # noqa: N815


class _Output(StrictModel):
    s3OutputDataConfig: _S3  # noqa: N815


class StartAsyncInvoke(StrictModel):
    """The body of a create."""

    modelId: Annotated[str, Field(pattern=r"^[a-zA-Z_.\-/0-9:]{1,256}$")]  # noqa: N815 - Amazon's words
    modelInput: _Ray2  # noqa: N815
    outputDataConfig: _Output  # noqa: N815
    clientRequestToken: Annotated[str | None, Field(pattern=r"^[!-~]{1,256}$")] = None  # noqa: N815

    def place(self) -> tuple[str, str]:
        """The bucket, and the prefix in it, that the result goes to."""
        bucket, _, prefix = self.outputDataConfig.s3OutputDataConfig.s3Uri.removeprefix("s3://").partition("/")
        return bucket, prefix.rstrip("/")


class Page(StrictModel):
    """The query of a list."""

    submitTimeAfter: Annotated[datetime | None, Field(strict=False)] = None  # noqa: N815
    submitTimeBefore: Annotated[datetime | None, Field(strict=False)] = None  # noqa: N815
    statusEquals: Literal["InProgress", "Completed", "Failed"] | None = None  # noqa: N815
    maxResults: Annotated[int, Field(ge=1, le=1000, strict=False)] = 100  # noqa: N815
    nextToken: Annotated[int, Field(ge=0, strict=False)] = 0  # noqa: N815
    sortBy: Literal["SubmissionTime"] = "SubmissionTime"  # noqa: N815
    sortOrder: Literal["Ascending", "Descending"] = "Descending"  # noqa: N815

"""What Veo on Vertex AI takes. `labels` and `storageUri` exist there; here they are refused, for none may ever come."""

from typing import Annotated, Literal

from pydantic import Field

from tests.emulators.strict import StrictModel, decode_base64, open_image

__all__ = ["Fetch", "Predict", "Source"]


class Source(StrictModel):
    """An image, inline."""

    bytesBase64Encoded: str  # noqa: N815 - Google's word
    mimeType: Literal["image/jpeg", "image/png"]  # noqa: N815

    def take(self) -> bytes:
        """The image.

        Raises:
            Invalid: it is not one of that type.
        """
        data = decode_base64(self.bytesBase64Encoded)
        open_image(data, ("JPEG",) if self.mimeType == "image/jpeg" else ("PNG",))
        return data


class _Instance(StrictModel):
    prompt: Annotated[str, Field(min_length=1)]
    image: Source
    lastFrame: Source | None = None  # noqa: N815


class _Parameters(StrictModel):
    sampleCount: Literal[1] = 1  # noqa: N815
    durationSeconds: Literal[4, 6, 8] = 8  # noqa: N815
    seed: Annotated[int | None, Field(ge=0, lt=2**32)] = None
    aspectRatio: Literal["16:9", "9:16"] = "16:9"  # noqa: N815
    resolution: Literal["720p", "1080p"] = "720p"
    personGeneration: Literal["allow_adult", "dont_allow", "allow_all"] = "allow_adult"  # noqa: N815
    negativePrompt: str | None = None  # noqa: N815
    enhancePrompt: bool = True  # noqa: N815
    generateAudio: bool = True  # noqa: N815


class Predict(StrictModel):
    """The body of predictLongRunning; one video at a time is enough here."""

    instances: Annotated[list[_Instance], Field(min_length=1, max_length=1)]
    parameters: _Parameters = Field(default_factory=_Parameters)


class Fetch(StrictModel):
    """The body of fetchPredictOperation."""

    operationName: str  # noqa: N815

"""Everything of a request that steers the picture and is not personal."""

from typing import Annotated, Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.functional_validators import AfterValidator

Camera = Literal[
    "auto",
    "dolly_in",
    "dolly_out",
    "pan_left",
    "pan_right",
    "tilt_up",
    "tilt_down",
    "orbit",
    "dolly_zoom",
    "handheld",
    "still",
]
Easing = Literal["smooth", "linear", "ease_in", "ease_out"]
Fit = Literal["crop", "keep"]

CAMERAS: tuple[Camera, ...] = get_args(Camera)
EASINGS: tuple[Easing, ...] = get_args(Easing)

MIN_SIDE, MAX_SIDE = 256, 1920
DEFAULT_AREA = 832 * 480


def _check_size(size: str) -> str:
    sides = [int(side) for side in size.split("x")]
    if not all(MIN_SIDE <= side <= MAX_SIDE for side in sides):
        raise ValueError(f"each side must be between {MIN_SIDE} and {MAX_SIDE} pixels")
    return size


Size = Annotated[str, Field(pattern=r"^[0-9]{1,5}x[0-9]{1,5}$"), AfterValidator(_check_size)]


class VideoParameters(BaseModel):
    """The camera, the length and the shape of a video. Numbers and booleans may come as strings."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    seconds: float = Field(default=4.0, ge=1, le=20, allow_inf_nan=False, description="Length of the video.")
    fps: int = Field(default=24, ge=12, le=60, description="Frames per second.")
    size: Size | None = Field(
        default=None, description="`WIDTHxHEIGHT` in pixels; without it the photo's aspect at about 832x480's area."
    )
    fit: Fit = Field(default="crop", description="`crop` fills `size`; `keep` keeps the photo's aspect within it.")
    camera: Camera = Field(default="auto", description="The move; `auto` reads it from the prompt's words.")
    strength: float = Field(default=0.5, ge=0, le=1, allow_inf_nan=False, description="How far the camera goes.")
    easing: Easing = Field(default="smooth", description="How the move starts and ends.")
    blur: float = Field(
        default=0, ge=0, le=1, allow_inf_nan=False, description="How far what is behind the subject goes out of focus."
    )
    loop: bool = Field(default=False, description="The last frame leads into the first.")
    seed: int | None = Field(default=None, ge=0, le=2**31 - 1, description="Repeats a random move exactly.")

    @model_validator(mode="after")
    def _fit_needs_size(self) -> Self:
        if self.fit == "keep" and self.size is None:
            raise ValueError("fit 'keep' needs a size to stay within")
        return self

    @property
    def frame_count(self) -> int:
        """How many frames the video has, at least 12."""
        return round(self.seconds * self.fps)

    def output_size(self, photo_width: int, photo_height: int) -> tuple[int, int]:
        """Width and height of the video, both even and within the bounds, for a photo of this size.

        The photo is cropped about its centre where its aspect and the result's differ.
        """
        if self.size is None:
            scale = (DEFAULT_AREA / (photo_width * photo_height)) ** 0.5
            return _bounded(photo_width * scale), _bounded(photo_height * scale)
        width, height = (int(side) for side in self.size.split("x"))
        if self.fit == "crop":
            return _bounded(width), _bounded(height)
        scale = min(width / photo_width, height / photo_height)
        return _bounded(photo_width * scale), _bounded(photo_height * scale)


def _bounded(side: float) -> int:
    """The nearest even number of pixels within the bounds."""
    return min(max(2 * round(side / 2), MIN_SIDE), MAX_SIDE)

"""Results: a small real MP4 that zooms into the photo that was received, or what is given out instead of one."""

from collections.abc import Iterator
from functools import lru_cache
from io import BytesIO
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from serve.media.video import encode_mp4
from tests.emulators.script import Fault

__all__ = ["NOT_A_VIDEO", "make_video", "result"]

NOT_A_VIDEO: Final = b"<!DOCTYPE html><title>Sign in</title><p>Your session has ended."

_WIDTH = 480
_FRAMES = 30
_ZOOM = 0.15
_PADDING = b"\0" * 65536


@lru_cache(maxsize=32)
def make_video(photo: bytes, seconds: int) -> bytes:
    """An H.264 MP4 of that length, at most 480 wide and of some 30 frames, however long, so that it costs little."""
    picture = ImageOps.contain(Image.open(BytesIO(photo)).convert("RGB"), (_WIDTH, _WIDTH))
    size = picture.width // 2 * 2, picture.height // 2 * 2
    fps = max(_FRAMES // seconds, 1)
    count, out = fps * seconds, BytesIO()
    encode_mp4(_frames(picture, size, count), out, *size, fps, count)
    return out.getvalue()


def result(photo: bytes, seconds: int, fate: Fault | None, oversized_bytes: int) -> Iterator[bytes]:
    """The pieces of what is sent as a video: what the fate of its task makes of it."""
    if fate is Fault.NOT_A_VIDEO:
        yield NOT_A_VIDEO
        return
    video = make_video(photo, seconds)
    if fate is Fault.CORRUPT_VIDEO:
        yield video[: len(video) // 3] + bytes(byte ^ 0xA5 for byte in video[len(video) // 3 : len(video) // 2])
        return
    yield video
    if fate is Fault.OVERSIZED_VIDEO:
        for _ in range(oversized_bytes // len(_PADDING) + 1):
            yield _PADDING


def _frames(picture: Image.Image, size: tuple[int, int], count: int) -> Iterator[NDArray[np.uint8]]:
    for index in range(count):
        cut = _ZOOM * index / count / 2
        box = (picture.width * cut, picture.height * cut, picture.width * (1 - cut), picture.height * (1 - cut))
        yield np.asarray(picture.resize(size, Image.Resampling.BILINEAR, box))

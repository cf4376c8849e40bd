"""A result shows the photo that was received, is as long as was asked, and fails to in the ways it is told to."""

from io import BytesIO

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from tests.emulators.script import Fault
from tests.emulators.videos import NOT_A_VIDEO, make_video, result
from tests.photos import building, jpeg


def _frames(data: bytes) -> list[NDArray[np.uint8]]:
    with av.open(BytesIO(data), "r") as container:
        return [np.asarray(frame.to_ndarray(format="rgb24"), np.uint8) for frame in container.decode(video=0)]


def test_the_video_shows_the_photo_for_as_long_as_was_asked() -> None:
    video = make_video(jpeg(building()), 5)
    frames = _frames(video)
    with av.open(BytesIO(video), "r") as container:
        assert container.duration == 5 * av.time_base
    assert frames[0].shape == (320, 480, 3)
    photo = np.asarray(Image.fromarray(building()).resize((480, 320)), float)
    assert np.abs(frames[0] - photo).mean() < 12
    assert np.abs(frames[-1] - photo).mean() > 12


@pytest.mark.parametrize("fate", [Fault.CORRUPT_VIDEO, Fault.NOT_A_VIDEO])
def test_what_is_not_to_decode_does_not(fate: Fault) -> None:
    with pytest.raises(av.FFmpegError):
        _frames(b"".join(result(jpeg(building()), 5, fate, 0)))


def test_what_is_too_large_begins_like_a_video() -> None:
    whole = b"".join(result(jpeg(building()), 5, Fault.OVERSIZED_VIDEO, 10_000_000))
    assert len(whole) > 10_000_000
    assert whole.startswith(make_video(jpeg(building()), 5))
    assert not whole.startswith(NOT_A_VIDEO)

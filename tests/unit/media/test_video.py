"""The MP4 that is delivered: starts at once, looks like its frames, says nothing about its making."""

from collections.abc import Iterator
from io import BytesIO

import av
import numpy as np
import pytest
from PIL import Image

from serve.media.frames import read_frames
from serve.media.stills import contact_sheet, spritesheet, thumbnail
from serve.media.video import encode_mp4
from tests.photos import Photo, person

FPS = 24


def moving(count: int) -> Iterator[Photo]:
    photo = person()
    for index in range(count):
        yield np.ascontiguousarray(photo[index : index + 256, 100:420])


def encoded(count: int) -> bytes:
    target = BytesIO()
    encode_mp4(moving(count), target, 320, 256, FPS, count)
    return target.getvalue()


@pytest.mark.parametrize("count", [1, 24, 200])
def test_the_index_comes_first_and_every_frame_is_there(count: int) -> None:
    data = encoded(count)
    assert 0 < data.index(b"moov") < data.index(b"mdat")
    with av.open(BytesIO(data)) as movie:
        stream = movie.streams.video[0]
        assert (stream.width, stream.height, stream.average_rate) == (320, 256, FPS)
        assert sum(1 for _ in movie.decode(stream)) == count


def test_frames_survive_the_coding() -> None:
    decoded = list(read_frames(encoded(48), 48))
    for first, second in zip(decoded, moving(48), strict=True):
        error = np.mean((first.astype(float) - second.astype(float)) ** 2)
        assert 10 * np.log10(255**2 / error) > 34


def test_nothing_tells_of_the_tools_and_the_same_frames_are_the_same_bytes() -> None:
    data = encoded(24)
    for word in (b"Lavf", b"Lavc", b"x264", b"creation"):
        assert word not in data
    assert encoded(24) == data


def test_a_wrong_number_of_frames_is_an_error() -> None:
    with pytest.raises(ValueError, match="announced"):
        encode_mp4(moving(10), BytesIO(), 320, 256, FPS, 12)


def test_samples_are_spread_from_the_first_to_the_last() -> None:
    data, every = encoded(48), list(moving(48))
    sampled = list(read_frames(data, 4))
    assert len(sampled) == 4
    nearest = [int(np.argmin([np.abs(s.astype(int) - f).mean() for f in every])) for s in sampled]
    assert nearest == [0, 16, 31, 47]


def test_stills_are_pictures_of_their_kind() -> None:
    frames = list(moving(6))
    with Image.open(BytesIO(thumbnail(person()))) as still:
        assert (still.format, still.size) == ("WEBP", (512, 512))
    with Image.open(BytesIO(spritesheet(frames))) as sheet:
        assert (sheet.format, sheet.size) == ("JPEG", (960, 384))
    with Image.open(BytesIO(contact_sheet(frames, columns=3, tile_width=160))) as sheet:
        assert sheet.format == "PNG"

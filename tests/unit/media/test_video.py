"""The MP4 that is delivered: starts at once, looks like its frames, says nothing about its making."""

import threading
import weakref
from collections.abc import Iterator
from io import BytesIO

import av
import cv2
import numpy as np
import pytest
from av.video.frame import PictureType
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc

from serve.media.colour import rgb_to_yuv420p
from serve.media.frames import read_frames
from serve.media.video import encode_mp4
from tests.photos import Photo, building, person, still_life
from tests.unit.media.pictures import psnr

FPS = 24
THREADS = pytest.mark.parametrize("threads", [2, 16])
"""One encoder, and five that take turns."""


def moving(count: int) -> Iterator[Photo]:
    photo = person()
    for index in range(count):
        yield np.ascontiguousarray(photo[index : index + 256, 100:420])


def encoded(count: int, threads: int = 2) -> bytes:
    target = BytesIO()
    encode_mp4(moving(count), target, 320, 256, FPS, count, threads=threads)
    return target.getvalue()


def decoding_times(count: int, stream: av.VideoStream) -> list[int]:
    """One frame after the other, as far ahead of the first shown as the coder needs; in the stream's units."""
    assert stream.time_base is not None
    step = int(1 / FPS / stream.time_base)
    ahead = 2 if count > 2 else 0
    return [(index - ahead) * step for index in range(count)]


def decoded(data: bytes) -> list[av.VideoFrame]:
    with av.open(BytesIO(data), "r") as movie:
        return list(movie.decode(video=0))


@THREADS
@pytest.mark.parametrize("count", [1, 2, 24, 25, 26, 200])
def test_the_index_comes_first_and_every_frame_is_there(count: int, threads: int) -> None:
    data = encoded(count, threads)
    assert 0 < data.index(b"moov") < data.index(b"mdat")
    with av.open(BytesIO(data), "r") as movie:
        stream = movie.streams.video[0]
        assert (stream.width, stream.height) == (320, 256)
        assert stream.average_rate == FPS
        assert stream.duration is not None
        assert stream.time_base is not None
        assert stream.duration * stream.time_base * FPS == count
        assert [packet.dts for packet in movie.demux(video=0) if packet.size] == decoding_times(count, stream)
    shown = decoded(data)
    assert [frame.time for frame in shown] == pytest.approx([index / FPS for index in range(count)])


def test_the_reserved_index_holds_the_longest_video() -> None:
    small, target = np.zeros((64, 64, 3), np.uint8), BytesIO()
    encode_mp4((small for _ in range(1200)), target, 64, 64, 60, 1200)
    assert target.getvalue().index(b"moov") < target.getvalue().index(b"mdat")


@THREADS
def test_frames_survive_the_coding(threads: int) -> None:
    for first, second in zip(read_frames(encoded(60, threads), 60), moving(60), strict=True):
        assert psnr(first, second) > 34


@pytest.mark.parametrize("photo", [person(), building(), still_life()], ids=["person", "building", "still life"])
def test_the_first_frame_is_the_photo(photo: Photo) -> None:
    first = np.asarray(cv2.resize(photo, (832, 480), interpolation=cv2.INTER_AREA), np.uint8)
    zooms = (cv2.getRotationMatrix2D((416, 240), 0, 1 + 0.004 * index) for index in range(12))
    target = BytesIO()
    encode_mp4(
        (np.asarray(cv2.warpAffine(first, zoom, (832, 480)), np.uint8) for zoom in zooms), target, 832, 480, 12, 12
    )
    assert psnr(next(read_frames(target.getvalue(), 1)), first) >= 35


def test_colours_are_what_the_file_says_they_are() -> None:
    first = decoded(encoded(2))[0]
    assert (first.colorspace, first.color_range) == (Colorspace.ITU709, ColorRange.MPEG)
    assert (first.color_primaries, first.color_trc) == (ColorPrimaries.BT709, ColorTrc.BT709)


def test_the_conversion_agrees_with_swscale() -> None:
    photo = building()[:400]
    frame = av.VideoFrame.from_ndarray(photo, format="rgb24")
    peer = frame.reformat(format="yuv420p", dst_colorspace=Colorspace.ITU709, dst_color_range=ColorRange.MPEG)
    planes, peers = (np.asarray(each.to_ndarray(), np.uint8) for each in (rgb_to_yuv420p(photo), peer))
    assert psnr(planes[:400], peers[:400]) > 50
    assert psnr(planes[400:], peers[400:]) > 38


@pytest.mark.parametrize(("width", "height"), [(842, 474), (474, 842), (256, 258)])
def test_every_even_side_is_coded(width: int, height: int) -> None:
    picture = np.asarray(cv2.resize(person(), (width, height), interpolation=cv2.INTER_AREA), np.uint8)
    target = BytesIO()
    encode_mp4([picture] * 3, target, width, height, FPS, 3)

    assert psnr(next(read_frames(target.getvalue(), 1)), picture) > 34


@THREADS
def test_one_can_seek_to_every_second(threads: int) -> None:
    keys = [i for i, frame in enumerate(decoded(encoded(72, threads))) if frame.pict_type == PictureType.I]
    assert {0, 24, 48} <= set(keys)


@THREADS
def test_nothing_tells_of_the_tools_and_the_same_frames_are_the_same_bytes(threads: int) -> None:
    data = encoded(60, threads)
    for word in (b"Lavf", b"Lavc", b"x264", b"crf", b"creation"):
        assert word not in data
    assert encoded(60, threads) == data


@THREADS
@pytest.mark.parametrize("announced", [0, 29, 32])
def test_a_wrong_number_of_frames_is_an_error(announced: int, threads: int) -> None:
    with pytest.raises(ValueError, match="frames came"):
        encode_mp4(moving(30), BytesIO(), 320, 256, FPS, announced, threads=threads)


@pytest.mark.parametrize(("width", "height"), [(321, 256), (320, 255)])
def test_odd_sides_are_an_error(width: int, height: int) -> None:
    with pytest.raises(ValueError, match="even"):
        encode_mp4(moving(2), BytesIO(), width, height, FPS, 2)


def broken(after: int) -> Iterator[Photo]:
    yield from moving(after)
    raise RuntimeError("no more")


@THREADS
@pytest.mark.parametrize("after", [0, 1, 30])
def test_what_the_frames_raise_comes_out_and_no_thread_stays(after: int, threads: int) -> None:
    before = threading.active_count()
    with pytest.raises(RuntimeError, match="no more"):
        encode_mp4(broken(after), BytesIO(), 320, 256, FPS, 40, threads=threads)
    assert threading.active_count() == before


def test_what_the_encoder_raises_comes_out_and_ends_the_drawing() -> None:
    before, drawn = threading.active_count(), 0

    def frames() -> Iterator[Photo]:
        nonlocal drawn
        for frame in moving(200):
            drawn += 1
            yield frame if drawn != 5 else frame[:100]

    with pytest.raises(ValueError, match="another size"):
        encode_mp4(frames(), BytesIO(), 320, 256, FPS, 200)
    assert drawn < 20
    assert threading.active_count() == before


def test_frames_are_drawn_by_the_caller_and_few_at_a_time() -> None:
    seen: list[weakref.ref[Photo]] = []
    living, drawers = list[int](), set[int]()

    def frames() -> Iterator[Photo]:
        for frame in moving(100):
            seen.append(weakref.ref(frame))
            living.append(sum(reference() is not None for reference in seen))
            drawers.add(threading.get_ident())
            yield frame

    encode_mp4(frames(), BytesIO(), 320, 256, FPS, 100)
    assert drawers == {threading.get_ident()}
    assert max(living) <= 8


def test_samples_are_spread_from_the_first_to_the_last() -> None:
    data, every = encoded(48), list(moving(48))
    sampled = list(read_frames(data, 4))
    nearest = [int(np.argmin([np.abs(s.astype(int) - f).mean() for f in every])) for s in sampled]
    assert nearest == [0, 16, 31, 47]


def test_a_short_video_gives_all_it_has() -> None:
    assert len(list(read_frames(encoded(3), 8))) == 3


@pytest.mark.parametrize("data", [b"", b"no video at all"])
def test_what_is_no_video_is_an_error(data: bytes) -> None:
    with pytest.raises(ValueError, match="video"):
        list(read_frames(data, 4))


def test_a_video_that_ends_early_is_an_error() -> None:
    data = encoded(24)
    with pytest.raises(ValueError, match="video"):
        list(read_frames(data[: len(data) // 2], 4))

"""A third party's video is taken over as picture and sound alone, or not at all."""

from io import BytesIO
from typing import Any

import av
import numpy as np
import pytest

from serve.media.frames import read_frames
from serve.media.received import BadVideo, VideoBounds, take_over

CANARY = "canary-7431"
FRAMES = [np.full((240, 320, 3), shade * 4, np.uint8) for shade in range(48)]


def made(codec: str = "libx264", frames: int = 48) -> bytes:
    """Two seconds of picture and sound, told about in every place where a file can tell."""
    out = BytesIO()
    container: Any
    with av.open(out, "w", format="mp4") as container:
        container.metadata.update({"title": CANARY, "comment": CANARY, "artist": CANARY})
        picture = container.add_stream(codec, rate=24)
        picture.width, picture.height, picture.pix_fmt = 320, 240, "yuv420p"
        picture.metadata["handler_name"] = CANARY
        sound = container.add_stream("aac", rate=44100)
        for shade in FRAMES[:frames]:
            container.mux(picture.encode(av.VideoFrame.from_ndarray(shade, format="rgb24")))
        quiet = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        quiet.sample_rate = 44100
        for piece in range(frames * 44100 // 24 // 1024):
            quiet.pts = piece * 1024
            container.mux(sound.encode(quiet))
        container.mux(picture.encode(None))
        container.mux(sound.encode(None))
    return out.getvalue()


VIDEO = made()


def taken(data: bytes, bounds: VideoBounds | None = None) -> bytes:
    return take_over(data, bounds or VideoBounds(), lambda _: None).data


def test_picture_and_sound_are_taken_over_and_nothing_else() -> None:
    assert CANARY.encode() in VIDEO
    assert b"x264" in VIDEO
    seen: list[int] = []
    received = take_over(VIDEO, VideoBounds(), seen.append)
    assert (received.width, received.height, round(received.seconds, 1)) == (320, 240, 2.0)
    assert seen == list(range(1, 49))
    assert CANARY.encode() not in received.data
    assert b"x264" not in received.data
    container: Any
    with av.open(BytesIO(received.data)) as container:
        assert (len(container.streams.video), len(container.streams.audio)) == (1, 1)
        assert sum(1 for _ in container.decode(video=0)) == 48
    last = list(read_frames(received.data, 2))[-1]
    assert abs(int(last.mean()) - 47 * 4) <= 3


@pytest.mark.parametrize(
    "data",
    [b"", b"junk" * 100, VIDEO[: len(VIDEO) // 2], made("mpeg4"), made(frames=1)],
    ids=["empty", "junk", "half", "other codec", "one frame"],
)
def test_what_is_no_whole_video_is_refused(data: bytes) -> None:
    with pytest.raises(BadVideo):
        taken(data)


@pytest.mark.parametrize("bounds", [VideoBounds(seconds=1), VideoBounds(side=200), VideoBounds(frames=20)])
def test_what_is_outside_the_bounds_is_refused(bounds: VideoBounds) -> None:
    with pytest.raises(BadVideo):
        taken(VIDEO, bounds)


def test_damage_is_either_refused_or_leaves_a_video() -> None:
    chance = np.random.default_rng(3)
    refused = 0
    for _ in range(25):
        damaged = bytearray(VIDEO)
        for place in chance.integers(0, len(damaged), 30):
            damaged[place] = chance.integers(256)
        try:
            assert list(read_frames(taken(bytes(damaged)), 2))
        except BadVideo:
            refused += 1
    assert refused

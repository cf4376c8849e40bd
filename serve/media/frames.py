"""A few frames out of a coded video."""

from collections.abc import Iterator
from io import BytesIO

import av
import numpy as np
from av.video.stream import VideoStream
from numpy.typing import NDArray

__all__ = ["read_frames"]


def read_frames(data: bytes, count: int) -> Iterator[NDArray[np.uint8]]:
    """Up to `count` RGB frames, height x width x 3, evenly spaced from the first to the last.

    Only the groups of pictures that hold a wanted frame are decoded, and one frame is in memory at a time.

    Raises:
        ValueError: this is no video, or a damaged one.
    """
    try:
        with av.open(BytesIO(data), "r", format="mp4") as container:
            stream = container.streams.video[0]
            for index in _evenly(stream.frames, count):
                yield _frame_at(container, stream, index)
    except (av.FFmpegError, IndexError) as error:
        raise ValueError("not a readable video") from error


def _evenly(available: int, count: int) -> list[int]:
    """Distinct frame numbers, the first and the last among them."""
    wanted = min(count, available)
    return [round(step * (available - 1) / max(wanted - 1, 1)) for step in range(wanted)]


def _frame_at(container: av.container.InputContainer, stream: VideoStream, index: int) -> NDArray[np.uint8]:
    if stream.average_rate is None or stream.time_base is None:
        raise ValueError("not a readable video")
    moment = (stream.start_time or 0) + round(index / stream.average_rate / stream.time_base)
    container.seek(moment, stream=stream)
    for frame in container.decode(stream):
        if frame.pts is not None and frame.pts >= moment:
            return np.asarray(frame.to_ndarray(format="rgb24"))
    raise ValueError("a video ends before its last frame")

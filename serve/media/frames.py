"""Read a few frames back from a finished video."""

from collections.abc import Iterator
from io import BytesIO

import av
import numpy as np
from numpy.typing import NDArray

__all__ = ["read_frames"]


def read_frames(data: bytes, count: int) -> Iterator[NDArray[np.uint8]]:
    """Yield ``count`` evenly spaced frames, the first and the last among them, each height x width x 3 RGB.

    All of them if the video has fewer. Frames between are decoded and dropped, one at a time.
    """
    with av.open(BytesIO(data), "r") as container:
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        last = max(stream.frames - 1, 0)
        wanted = {round(i * last / max(count - 1, 1)) for i in range(count)}
        for index, frame in enumerate(container.decode(stream)):
            if index in wanted:
                yield np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)

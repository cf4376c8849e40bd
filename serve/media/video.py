"""From frames to an MP4 that starts at once: H.264, its index in front, nothing about the tools or the time inside.

The index is written into space that is reserved for it, so that one pass in memory suffices and no clear byte ever
touches a disk.
"""

from collections.abc import Iterable
from fractions import Fraction
from typing import BinaryIO

import av
import numpy as np
from av.codec.context import ThreadType
from av.video.codeccontext import VideoCodecContext
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter
from av.video.stream import VideoStream
from numpy.typing import NDArray

__all__ = ["CRF", "PRESET", "encode_mp4"]

PRESET = "veryfast"
CRF = 18
_INDEX_BASE, _INDEX_PER_FRAME = 8192, 40
_BT709 = 1


def encode_mp4(
    frames: Iterable[NDArray[np.uint8]],
    target: BinaryIO,
    width: int,
    height: int,
    fps: int,
    frame_count: int,
    *,
    codec: str = "libx264",
    threads: int = 2,
) -> None:
    """Write ``frame_count`` frames of height x width x 3 RGB into a seekable ``target``.

    ``codec`` is an encoder of PyAV's FFmpeg: ``libx264``, or ``h264_nvenc`` on a GPU.

    Raises:
        ValueError: the number of frames is not what was announced, so that the reserved index could not hold.
    """
    reserved = _INDEX_BASE + _INDEX_PER_FRAME * frame_count
    options = {"moov_size": str(reserved), "fflags": "+bitexact"}
    reformatter = VideoReformatter()
    written = 0
    with av.open(target, "w", format="mp4", options=options) as container:
        stream = container.add_stream(codec, rate=fps)
        if not isinstance(stream, VideoStream):
            raise TypeError("the codec makes no video")
        _configure(stream.codec_context, width, height, fps, threads)
        stream.options = _options(codec)
        for frame in frames:
            picture = reformatter.reformat(
                av.VideoFrame.from_ndarray(frame, format="rgb24"),
                format="yuv420p",
                dst_colorspace=Colorspace.ITU709,
                dst_color_range=ColorRange.MPEG,
            )
            picture.pts, picture.time_base = written, Fraction(1, fps)
            container.mux(stream.encode(picture))
            written += 1
        container.mux(stream.encode(None))
    if written != frame_count:
        raise ValueError("the number of frames is not what was announced")


def _configure(context: VideoCodecContext, width: int, height: int, fps: int, threads: int) -> None:
    context.width, context.height, context.pix_fmt = width, height, "yuv420p"
    context.framerate, context.time_base = Fraction(fps), Fraction(1, fps)
    context.gop_size = fps
    context.thread_count, context.thread_type = threads, ThreadType.AUTO
    context.color_range = ColorRange.MPEG
    context.colorspace = context.color_primaries = context.color_trc = _BT709


def _options(codec: str) -> dict[str, object]:
    if codec == "libx264":
        return {"preset": PRESET, "crf": str(CRF), "flags": "+cgop+bitexact"}
    return {"preset": "p4", "rc": "vbr", "cq": str(CRF + 1), "b:v": "0", "flags": "+bitexact"}

"""Frames to an H.264 MP4, in memory and in one pass, with the index in front and nothing told about its making."""

from collections import deque
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from fractions import Fraction
from typing import BinaryIO, Literal, Self

import av
import numpy as np
from av.bitstream import BitStreamFilterContext
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc
from av.video.stream import VideoStream
from numpy.typing import NDArray

from serve.media.colour import rgb_to_yuv420p

__all__ = ["ENCODER_OPTIONS", "VideoCodec", "encode_mp4"]

VideoCodec = Literal["libx264", "h264_nvenc"]

_QUEUED_FRAMES = 3
_THREADS_PER_CONVERTER = 4
# Finer chroma buys 0.8 dB of RGB in the first frame for 17 % more bytes; a lower CRF pays 22 % for as much.
ENCODER_OPTIONS: dict[VideoCodec, dict[str, str]] = {
    "libx264": {
        "preset": "veryfast",
        "crf": "18",
        "x264-params": "chromaloc=1:chroma-qp-offset=-6",
        "flags": "+cgop+bitexact",
    },
    "h264_nvenc": {"preset": "p4", "rc": "vbr", "cq": "19", "b": "0", "flags": "+cgop+bitexact"},
}
# A frame takes at most 28 bytes of index: size, time offset, chunk place, key frame.
_INDEX_BYTES, _INDEX_BYTES_PER_FRAME = 4096, 32
# x264 writes its version and options into NAL units of type 6 (SEI).
_WITHOUT_SEI = "filter_units=remove_types=6"


def encode_mp4(
    frames: Iterable[NDArray[np.uint8]],
    out: BinaryIO,
    width: int,
    height: int,
    fps: int,
    frame_count: int,
    codec: VideoCodec = "libx264",
    threads: int = 2,
) -> None:
    """Code `frame_count` RGB frames, height x width x 3, both sides even, into the seekable `out`.

    Frames are drawn in the caller's thread while others convert and encode, a few behind. The same frames and as many
    threads make the same bytes.

    Raises:
        ValueError: a side is odd, or the frames are not what was said.
        Exception: whatever `frames` raises. What `out` holds after any error is to be thrown away.
    """
    if width % 2 or height % 2:
        raise ValueError("both sides of a video must be even")
    with _Encoder(out, width, height, fps, frame_count, codec, threads) as encoder:
        drawn = _feed(encoder, frames, max(threads // _THREADS_PER_CONVERTER, 1))
        if drawn != frame_count:
            raise ValueError(f"{drawn} frames came instead of {frame_count}")


def _feed(encoder: "_Encoder", frames: Iterable[NDArray[np.uint8]], converters: int) -> int:
    drawn = 0
    waiting: deque[Future[None]] = deque()
    with ThreadPoolExecutor(converters, "colours") as colours, ThreadPoolExecutor(1, "encoder") as thread:
        try:
            for frame in frames:
                encoder.check(frame)
                waiting.append(thread.submit(encoder.write, colours.submit(rgb_to_yuv420p, frame), drawn))
                drawn += 1
                if len(waiting) > _QUEUED_FRAMES + converters:
                    waiting.popleft().result()
            while waiting:
                waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
    return drawn


class _Encoder:
    def __init__(
        self, out: BinaryIO, width: int, height: int, fps: int, frame_count: int, codec: VideoCodec, threads: int
    ) -> None:
        index = _INDEX_BYTES + _INDEX_BYTES_PER_FRAME * frame_count
        self._shape = (height, width, 3)
        self._container = av.open(out, "w", format="mp4", options={"moov_size": str(index), "fflags": "+bitexact"})
        self._stream: VideoStream = self._container.add_stream(
            codec, rate=Fraction(fps), options=ENCODER_OPTIONS[codec]
        )
        context = self._stream.codec_context
        context.width, context.height, context.pix_fmt = width, height, "yuv420p"
        context.gop_size, context.thread_count = fps, threads
        context.color_range, context.colorspace = ColorRange.MPEG, Colorspace.ITU709
        context.color_primaries, context.color_trc = ColorPrimaries.BT709, ColorTrc.BT709
        self._filter = BitStreamFilterContext(_WITHOUT_SEI, self._stream)

    def check(self, rgb: NDArray[np.uint8]) -> None:
        if rgb.shape != self._shape:
            raise ValueError("a frame has another size than the video")

    def write(self, planes: Future[NDArray[np.uint8]], index: int) -> None:
        frame = av.VideoFrame.from_ndarray(planes.result(), format="yuv420p")
        frame.pts = index
        self._mux(frame)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, failure: type[BaseException] | None, *_: object) -> None:
        if failure is None:
            self._mux(None)
            self._container.mux(self._filter.filter(None))
            self._container.close()
        else:
            with suppress(av.FFmpegError):  # an unfinished file cannot be closed well, and need not be
                self._container.close()

    def _mux(self, frame: av.VideoFrame | None) -> None:
        for packet in self._stream.encode(frame):
            self._container.mux(self._filter.filter(packet))

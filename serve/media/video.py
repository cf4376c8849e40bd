"""Frames to an H.264 MP4, in memory and in one pass, with the index in front and nothing told about its making."""

from collections import deque
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, suppress
from fractions import Fraction
from typing import BinaryIO, Self

import av
import numpy as np
from av.bitstream import BitStreamFilterContext
from av.packet import Packet
from av.video.stream import VideoStream
from numpy.typing import NDArray

from serve.media.colour import rgb_to_yuv420p
from serve.media.h264 import ENCODER_OPTIONS, Encoder, Shape, VideoCodec

__all__ = ["encode_mp4"]

_QUEUED_FRAMES = 3
_THREADS_PER_CONVERTER = 4
_CORES_PER_ENCODER, _THREADS_PER_ENCODER = 3, 4
"""Where there are many: one encoder of sixteen threads made 247 frames a second, five of four 409."""
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

    Frames are drawn in the caller's thread while others convert and encode, a few behind; with many threads, a few
    groups of pictures behind. The same frames and as many threads make the same bytes.

    Raises:
        ValueError: a side is odd, or the frames are not what was said.
        Exception: whatever `frames` raises. What `out` holds after any error is to be thrown away.
    """
    if width % 2 or height % 2:
        raise ValueError("both sides of a video must be even")
    encoders = max(threads // _CORES_PER_ENCODER, 1) if codec == "libx264" else 1
    shape = Shape(codec, width, height, fps, _THREADS_PER_ENCODER if encoders > 1 else threads)
    with _Movie(out, shape, frame_count) as movie:
        drawn = _feed(movie, frames, encoders, max(threads // _THREADS_PER_CONVERTER, 1))
        if drawn != frame_count:
            raise ValueError(f"{drawn} frames came instead of {frame_count}")


def _feed(movie: "_Movie", frames: Iterable[NDArray[np.uint8]], encoders: int, converters: int) -> int:
    """Several encoders take turns, a group of pictures each; a single one codes all."""
    group = movie.shape.fps if encoders > 1 else max(movie.frame_count, 1)
    behind = _QUEUED_FRAMES + converters + (encoders - 1) * group
    drawn = 0
    waiting: deque[Future[list[Packet[VideoStream]]]] = deque()
    with ExitStack() as stack:
        colours = stack.enter_context(ThreadPoolExecutor(converters, "colours"))
        lanes = [stack.enter_context(ThreadPoolExecutor(1, "encoder")) for _ in range(encoders)]
        stack.callback(lambda: [future.cancel() for future in waiting])
        for index, frame in enumerate(frames):
            movie.shape.check(frame)
            if index == movie.frame_count:
                raise ValueError(f"more than {index} frames came")
            lane = lanes[index // group % encoders]
            if index % group == 0:
                encoder = movie.encoder()
            waiting.append(lane.submit(encoder.code, colours.submit(rgb_to_yuv420p, frame), index))
            drawn = index + 1
            if drawn % group == 0 or drawn == movie.frame_count:
                waiting.append(lane.submit(encoder.finish))
            while len(waiting) > behind:
                movie.mux(waiting.popleft().result())
        while waiting:
            movie.mux(waiting.popleft().result())
    return drawn


class _Movie:
    """The file, whose packets come in order from one encoder or several."""

    def __init__(self, out: BinaryIO, shape: Shape, frame_count: int) -> None:
        self.shape, self.frame_count = shape, frame_count
        index = _INDEX_BYTES + _INDEX_BYTES_PER_FRAME * frame_count
        self._container = av.open(out, "w", format="mp4", options={"moov_size": str(index), "fflags": "+bitexact"})
        self._stream: VideoStream = self._container.add_stream(
            shape.codec, rate=Fraction(shape.fps), options=ENCODER_OPTIONS[shape.codec]
        )
        shape.configure(self._stream.codec_context)
        self._filter = BitStreamFilterContext(_WITHOUT_SEI, self._stream)
        self._encoders = self._written = self._first_dts = 0

    def encoder(self) -> Encoder:
        """Another encoder; what it needs to say once for the whole file, the first has said."""
        self._encoders += 1
        return Encoder(self._stream.codec_context if self._encoders == 1 else self.shape.context())

    def mux(self, packets: "list[Packet[VideoStream]]") -> None:
        """Write packets that follow those before; how far decoding runs ahead of showing, the first encoder says."""
        for packet in packets:
            packet.stream = self._stream
            if not self._written:
                self._first_dts = packet.dts or 0
            packet.dts = self._first_dts + self._written
            self._written += 1
            self._container.mux(self._filter.filter(packet))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, failure: type[BaseException] | None, *_: object) -> None:
        if failure is None:
            self._container.mux(self._filter.filter(None))
            self._container.close()
        else:
            with suppress(av.FFmpegError):  # an unfinished file cannot be closed well, and need not be
                self._container.close()

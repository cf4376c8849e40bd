"""A video from somebody else: decoded to its end within bounds, then taken over as picture and sound alone."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from typing import Any, Final

import av
from av.bitstream import BitStreamFilterContext
from av.container import InputContainer, OutputContainer
from av.video.stream import VideoStream

__all__ = ["BadVideo", "Received", "VideoBounds", "take_over"]

_WITHOUT_SEI: Final = "filter_units=remove_types=6"
_FORMATS: Final = "mov,mp4,m4a,3gp,3g2,mj2"


class BadVideo(ValueError):
    """It is no H.264 MP4, is damaged, or lies outside the bounds."""


@dataclass(frozen=True, slots=True)
class VideoBounds:
    """The longest video and the longest side that are taken."""

    seconds: float = 70.0
    side: int = 4096
    frames: int = 4200


@dataclass(frozen=True, slots=True)
class Received:
    """The video as it is kept: an MP4 of H.264 and, where there is sound, AAC, without any metadata."""

    data: bytes
    width: int
    height: int
    seconds: float


def take_over(data: bytes, bounds: VideoBounds, on_frame: Callable[[int], None]) -> Received:
    """Decode every frame, then copy the coded picture and sound into a new file; ``on_frame`` is told of each.

    Raises:
        BadVideo: it cannot be decoded to its end, or is outside the bounds.
    """
    try:
        with av.open(BytesIO(data), "r", format=_FORMATS) as source:
            width, height, count, seconds = _looked_through(source, bounds, on_frame)
        with av.open(BytesIO(data), "r", format=_FORMATS) as source:
            return Received(_copied(source, _index_bytes(count, seconds)), width, height, seconds)
    except (av.FFmpegError, IndexError, ValueError, ZeroDivisionError) as error:
        raise BadVideo("not a video that can be taken over") from error


def _looked_through(
    source: InputContainer, bounds: VideoBounds, on_frame: Callable[[int], None]
) -> tuple[int, int, int, float]:
    stream = _picture(source, bounds)
    count, last = 0, 0.0
    for frame in source.decode(stream):
        count += 1
        last = frame.time or last
        if count > bounds.frames or last > bounds.seconds:
            raise BadVideo("longer than is taken")
        on_frame(count)
    if count < 2:
        raise BadVideo("not a video")
    return stream.width, stream.height, count, last * count / (count - 1)


def _picture(source: InputContainer, bounds: VideoBounds) -> VideoStream:
    stream: VideoStream = source.streams.video[0]
    if _name(stream) != "h264" or len(source.streams.video) != 1:
        raise BadVideo("not coded as H.264 alone")
    if not 16 <= min(stream.width, stream.height) <= max(stream.width, stream.height) <= bounds.side:
        raise BadVideo("larger or smaller than is taken")
    stream.codec_context.options = {"err_detect": "explode"}
    return stream


def _index_bytes(count: int, seconds: float) -> int:
    """Room for the index in front: at most 32 bytes for a frame, and for each of fifty pieces of sound a second."""
    return 8192 + 32 * count + 32 * 60 * math.ceil(seconds)


def _copied(source: InputContainer, index_bytes: int) -> bytes:
    out = BytesIO()
    options = {"moov_size": str(index_bytes), "fflags": "+bitexact"}
    with av.open(out, "w", format="mp4", options=options) as target:
        _copy(source, target)
    return out.getvalue()


def _name(stream: Any) -> str:
    """The codec of a stream; a damaged one has none."""
    return stream.codec_context.name if stream.codec_context is not None else ""


def _copy(source: InputContainer, target: OutputContainer) -> None:
    video = source.streams.video[0]
    sound = [stream for stream in source.streams.audio if _name(stream) == "aac"][:1]
    copies = {stream.index: target.add_stream_from_template(stream) for stream in (video, *sound)}
    for copy in copies.values():
        copy.metadata.clear()
    strip = BitStreamFilterContext(_WITHOUT_SEI, video, copies[video.index])
    for packet in source.demux([video, *sound]):
        if packet.dts is None:
            continue
        pieces = strip.filter(packet) if packet.stream is video else [packet]
        for piece in pieces:
            piece.stream = copies[packet.stream.index]
            target.mux(piece)

"""What must be known of a picture before a decoder sees it, read from its container alone."""

import re
from collections.abc import Callable

from serve.media.errors import MediaError
from serve.media.sniff import FileType
from serve.media.tiff_header import check_tiff

__all__ = ["check_header"]

_MAX_SCANS = 100
_OVERLAY_ITEM = re.compile(rb"infe.{8}(?:..)?iovl", re.DOTALL)
"""A HEIC's list of what it holds names an overlay."""
_NO_LENGTH = frozenset({0x01, *range(0xD0, 0xD9)})
_START_OF_SCAN, _END_OF_IMAGE = 0xDA, 0xD9
_NEXT_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]", re.DOTALL)
"""Begins with one plain byte, for which `re` searches fifteen times as fast as for a repeated one."""


def check_header(data: bytes, file_type: FileType, max_pixels: int) -> None:
    """Refuse what would cost a decoder much already in opening it.

    Raises:
        MediaError: a WebP that is cut off or over `max_pixels`; a JPEG with more scans than any camera writes; a HEIC
            laid together from others; a TIFF that `check_tiff` refuses.
    """
    if check := _CHECKS.get(file_type):
        check(data, max_pixels)


def _check_jpeg(data: bytes, _max_pixels: int) -> None:
    # Each scan of a progressive JPEG passes over the whole picture: a few kilobytes could ask for minutes of work.
    if _count_scans(data) > _MAX_SCANS:
        raise MediaError("image_damaged", "The JPEG is coded in an unusual way. Save it again and send that.")


def _count_scans(data: bytes) -> int:
    scans, at = 0, 2
    while match := _NEXT_MARKER.search(data, at):
        marker, at = match[0][-1], match.end()
        if marker == _END_OF_IMAGE:
            break
        scans += marker == _START_OF_SCAN
        if marker not in _NO_LENGTH:
            at += int.from_bytes(data[at : at + 2], "big")
    return scans


def _check_webp(data: bytes, max_pixels: int) -> None:
    if len(data) < int.from_bytes(data[4:8], "little") + 8:
        raise MediaError("image_truncated", "The picture ends too early. Send the whole file.")
    width, height = _webp_size(data)
    if width * height > max_pixels:
        raise MediaError("image_too_large", f"The picture has more than {max_pixels:,} pixels. Send a smaller one.")


def _webp_size(data: bytes) -> tuple[int, int]:
    """Width and height; (0, 0) if there is no header, which the decoder will then refuse itself."""
    chunk, body = data[12:16], data[20:30]
    if len(body) < 10:
        return 0, 0
    if chunk == b"VP8X":
        return int.from_bytes(body[4:7], "little") + 1, int.from_bytes(body[7:10], "little") + 1
    if chunk == b"VP8L":
        bits = int.from_bytes(body[1:5], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if chunk == b"VP8 ":
        return int.from_bytes(body[6:8], "little") & 0x3FFF, int.from_bytes(body[8:10], "little") & 0x3FFF
    return 0, 0


def _check_heic(data: bytes, _max_pixels: int) -> None:
    # An overlay decodes as many whole pictures as its list names, the same one again and again if it likes.
    if _OVERLAY_ITEM.search(data):
        raise MediaError("image_damaged", "The HEIC is coded in an unusual way. Save it as JPEG and send that.")


_CHECKS: dict[FileType, Callable[[bytes, int], None]] = {
    FileType.JPEG: _check_jpeg,
    FileType.WEBP: _check_webp,
    FileType.HEIC: _check_heic,
    FileType.TIFF: check_tiff,
}

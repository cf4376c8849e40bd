"""What a TIFF says of itself, read from its directory before a decoder sees it.

A directory of a few kilobytes can ask for pages without end, for a tile of gigabytes, or for the same strip a million
times. What cameras, scanners and photo programs write keeps well within the bounds here.
"""

import struct
from collections.abc import Mapping
from typing import NamedTuple

from serve.media.errors import MediaError

__all__ = ["check_tiff"]

_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC = 256, 257, 258, 259, 262
_STRIPS, _SAMPLES, _ROWS_PER_STRIP, _PLANES = 273, 277, 278, 284
_TILE_WIDTH, _TILE_HEIGHT, _TILES, _SAMPLE_FORMAT = 322, 323, 324, 339

_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
"""Bytes of one value, by its type."""
_NUMBERS = {1: "B", 3: "H", 4: "I"}
"""The types that are whole numbers, as `struct` names them."""
_MOST_ENTRIES, _MOST_VALUES = 1000, 8
_COMPRESSIONS = frozenset({1, 5, 7, 8, 32773, 32946})
"""None, LZW, JPEG, Deflate, PackBits, and Deflate under its older number."""
_COLOURS = frozenset({0, 1, 2, 3, 5, 6})
"""Grey from white or from black, RGB, palette, CMYK, YCbCr."""
_MOST_SAMPLES, _MOST_BITS, _UNSIGNED = 5, 16, 1
_SMALLEST_BOUND = 1 << 20
"""Pixels that a tile may always have: one is often larger than a small picture."""


def check_tiff(data: bytes, max_pixels: int) -> None:
    """Refuse a TIFF that is over `max_pixels`, has several pages, or is coded as photos are not.

    Raises:
        MediaError: it is one of these.
    """
    try:
        tags, following = _first_directory(data)
    except struct.error:
        raise MediaError("image_truncated", "The picture ends too early. Send the whole file.") from None
    width, height = _first(tags, _WIDTH), _first(tags, _HEIGHT)
    if width * height > max_pixels:
        raise MediaError("image_too_large", f"The picture has more than {max_pixels:,} pixels. Send a smaller one.")
    if following:
        raise MediaError("image_animated", "The TIFF has more than one page. Send a picture of one page.")
    if not (_is_coded_as_usual(tags) and _is_cut_as_usual(tags, width, height)):
        raise MediaError("image_damaged", "The TIFF is coded in an unusual way. Save it as JPEG or PNG and send that.")


class _Entry(NamedTuple):
    length: int
    size: int
    values: tuple[int, ...]
    """The first of them, if they are whole numbers."""


_Directory = Mapping[int, _Entry]


def _first_directory(data: bytes) -> tuple[_Directory, int]:
    """The entries of the first page by their tags, and where the next page begins; 0 if there is none."""
    order = "<" if data[:2] == b"II" else ">"
    version, start = struct.unpack_from(order + "HI", data, 2)
    if version != 42:  # the variant for files over 4 GB
        return {}, 0
    (count,) = struct.unpack_from(order + "H", data, start)
    entries = dict(_entry(data, order, start + 2 + 12 * number) for number in range(min(count, _MOST_ENTRIES)))
    (following,) = struct.unpack_from(order + "I", data, start + 2 + 12 * count)
    # Decoders copy every entry: those that share their bytes could make gigabytes of a small file.
    return (entries if sum(entry.size for entry in entries.values()) <= len(data) else {}), following


def _entry(data: bytes, order: str, at: int) -> tuple[int, _Entry]:
    tag, kind, count = struct.unpack_from(order + "HHI", data, at)
    size = _SIZES.get(kind, 1) * count
    if kind not in _NUMBERS:
        return tag, _Entry(count, size, ())
    place = at + 8 if size <= 4 else struct.unpack_from(order + "I", data, at + 8)[0]
    values = struct.unpack_from(f"{order}{min(count, _MOST_VALUES)}{_NUMBERS[kind]}", data, place)
    return tag, _Entry(count, size, values)


def _values(tags: _Directory, tag: int) -> tuple[int, ...]:
    return tags[tag].values if tag in tags else ()


def _first(tags: _Directory, tag: int, otherwise: int = 0) -> int:
    return next(iter(_values(tags, tag)), otherwise)


def _is_coded_as_usual(tags: _Directory) -> bool:
    return (
        _first(tags, _COMPRESSION, 1) in _COMPRESSIONS
        and _first(tags, _PHOTOMETRIC) in _COLOURS
        and _first(tags, _SAMPLES, 1) <= _MOST_SAMPLES
        and max(_values(tags, _BITS), default=1) <= _MOST_BITS
        and set(_values(tags, _SAMPLE_FORMAT)) <= {_UNSIGNED}
    )


def _is_cut_as_usual(tags: _Directory, width: int, height: int) -> bool:
    """Whether its strips or tiles are no more than cover it, and none is far larger than it."""
    across, down, pieces = width, min(_first(tags, _ROWS_PER_STRIP, height), height), _STRIPS
    if _TILES in tags:
        across, down, pieces = _first(tags, _TILE_WIDTH), _first(tags, _TILE_HEIGHT), _TILES
    if min(width, height, across, down) < 1 or across * down > max(width * height, _SMALLEST_BOUND):
        return False
    layers = _first(tags, _SAMPLES, 1) if _first(tags, _PLANES, 1) == 2 else 1
    return pieces in tags and tags[pieces].length <= -(-width // across) * -(-height // down) * layers

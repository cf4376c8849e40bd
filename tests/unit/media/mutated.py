"""Pictures that were damaged by chance, read in a process of its own.

`python -m tests.unit.media.mutated COUNT SEED` prints what became of them and how much memory the worst of them took.
"""

import json
import random
import re
import sys
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from PIL import Image

from serve.media.decode import decode
from serve.media.errors import MediaError
from serve.media.probe import ImageLimits, inspect
from tests.photos import person
from tests.unit.media.pictures import saved

__all__ = ["FILES", "main"]

LIMITS = ImageLimits(max_pixels=1_000_000)

_KINDS: Mapping[str, Mapping[str, object]] = {
    "JPEG": {}, "JPEG progressive": {"progressive": True}, "PNG": {}, "WEBP": {}, "AVIF": {}, "GIF": {}, "HEIC": {},
    "TIFF": {}, "TIFF LZW": {"compression": "tiff_lzw"}, "TIFF Deflate": {"compression": "tiff_adobe_deflate"},
    "TIFF JPEG": {"compression": "jpeg"}, "TIFF PackBits": {"compression": "packbits"},
}  # fmt: skip


def _originals() -> dict[str, bytes]:
    small = Image.fromarray(person()).resize((96, 96))
    return {name: saved(small, name.split()[0], **options) for name, options in _KINDS.items()}


FILES = _originals()


def _mutated(count: int, chance: random.Random) -> Iterator[tuple[str, bytes]]:
    for number in range(count):
        name = [*FILES][number % len(FILES)]
        yield name, chance.choice((_overwritten, _overwritten, _cut, _spliced))(FILES[name], chance)


def _overwritten(data: bytes, chance: random.Random) -> bytes:
    """A few bytes are others: anywhere, or all of them at one end, where most headers are."""
    result, at_one_end = bytearray(data), chance.random() < 0.5
    for _ in range(chance.randint(1, 20)):
        place = chance.randrange(-300, 300) if at_one_end else chance.randrange(len(data))
        result[place] = chance.choice((0, 1, 255, chance.randrange(256)))
    return bytes(result)


def _cut(data: bytes, chance: random.Random) -> bytes:
    """The end is missing, or something in the middle."""
    start, end = sorted(chance.randrange(len(data)) for _ in range(2))
    return data[:start] + (data[end:] if chance.random() < 0.5 else b"")


def _spliced(data: bytes, chance: random.Random) -> bytes:
    """A piece of another file, or of itself, lies over it or in between."""
    other = chance.choice([data, *FILES.values()])
    start, place = chance.randrange(len(other)), chance.randrange(len(data))
    piece = other[start : start + chance.randint(1, 500)]
    return data[:place] + piece + data[place + (len(piece) if chance.random() < 0.5 else 0) :]


def _outcome(data: bytes) -> str:
    """What both readings say; anything but a result or a `MediaError` ends the process."""
    try:
        inspect(data, LIMITS)
        pixels = decode(data, LIMITS, 512)
    except MediaError as error:
        return error.code
    assert pixels.dtype == np.uint8
    assert max(pixels.shape) <= 512
    return "read"


def _peak_bytes() -> int:
    """Of this process alone: what `resource` says begins with the peak of whoever started it."""
    (kilobytes,) = re.findall(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(kilobytes) * 1024


def main(count: int, seed: int) -> None:
    """Read so many and print the outcomes of each kind of file."""
    warnings.simplefilter("ignore")
    for data in FILES.values():
        assert _outcome(data) == "read"
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    before, outcomes = _peak_bytes(), {name: Counter[str]() for name in FILES}
    for name, data in _mutated(count, random.Random(seed)):
        outcomes[name][_outcome(data)] += 1
    sys.stdout.write(json.dumps({"outcomes": outcomes, "grown": _peak_bytes() - before}))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))

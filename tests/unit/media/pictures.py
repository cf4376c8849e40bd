"""Picture files for tests: good ones, and what people and attackers send."""

import struct
import zlib
from io import BytesIO

import numpy as np
import pillow_heif
from PIL import ExifTags, Image

from serve.media.probe import ImageLimits
from tests.photos import Photo

LIMITS = ImageLimits(max_pixels=20_000_000, min_side=64, max_aspect=4.0)


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    """The picture as a file of that Pillow format, or as a HEIC."""
    stream = BytesIO()
    if kind == "HEIC":
        pillow_heif.from_pillow(image).save(stream, **options)
        return stream.getvalue()
    image.save(stream, kind, **({"speed": 10} if kind == "AVIF" else {}), **options)
    return stream.getvalue()


def flat(width: int, height: int) -> Image.Image:
    """A picture of one colour."""
    return Image.new("RGB", (width, height), (90, 120, 60))


def animated(kind: str) -> bytes:
    """Four frames."""
    frames = [Image.new("RGB", (128, 128), (i * 40, 20, 90)) for i in range(4)]
    return saved(frames[0], kind, save_all=True, append_images=frames[1:], duration=100)


def png_bomb(width: int, height: int) -> bytes:
    """A valid, tiny PNG of black pixels: each row deflates to almost nothing."""
    deflate = zlib.compressobj(9)
    rows = deflate.compress(b"\0" * (width * 3 + 1)) + deflate.flush()
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + _chunk(b"IDAT", rows) + _chunk(b"IEND", b"")


def webp_bomb(side: int) -> bytes:
    """A WebP whose canvas claims to be huge."""
    canvas = struct.pack("<I", 0) + 2 * (side - 1).to_bytes(3, "little")
    body = b"WEBPVP8X" + struct.pack("<I", len(canvas)) + canvas
    return b"RIFF" + struct.pack("<I", len(body)) + body


def tiff(**tags: int | tuple[int, ...]) -> bytes:
    """An uncompressed TIFF of 100 x 100 grey pixels in one strip; tags by their Pillow names replace its own."""
    own: dict[str, int | tuple[int, ...]] = {
        "ImageWidth": 100,
        "ImageLength": 100,
        "BitsPerSample": 8,
        "Compression": 1,
        "PhotometricInterpretation": 1,
        "StripOffsets": 8,
        "SamplesPerPixel": 1,
        "RowsPerStrip": 100,
        "StripByteCounts": 10_000,
    }
    pixels = b"\x80" * 112 * 112
    entries, arrays = b"", b""
    fields = sorted((ExifTags.Base[name].value, value) for name, value in (own | tags).items())
    after = 8 + len(pixels) + 2 + 12 * len(fields) + 4
    for tag, value in fields:
        values = value if isinstance(value, tuple) else (value,)
        place = struct.pack("<I", values[0])
        if len(values) > 1:
            place, arrays = struct.pack("<I", after + len(arrays)), arrays + struct.pack(f"<{len(values)}I", *values)
        entries += struct.pack("<HHI", tag, 4, len(values)) + place
    directory = struct.pack("<H", len(fields)) + entries + bytes(4)
    return b"II*\0" + struct.pack("<I", 8 + len(pixels)) + pixels + directory + arrays


def jpeg_of_many_scans(scans: int) -> bytes:
    """A progressive JPEG whose last scan is said again and again."""
    data = saved(flat(640, 480), "JPEG", progressive=True)
    last = data.rindex(b"\xff\xda")
    return data[:-2] + data[last:-2] * scans + data[-2:]


def psnr(first: Photo, second: Photo) -> float:
    """Peak signal-to-noise ratio in dB."""
    error = np.mean((first.astype(float) - second.astype(float)) ** 2)
    return float(10 * np.log10(255**2 / max(error, 1e-9)))


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

"""The clean copy of a photo: its pixels, and nothing else that was in the file."""

import re
from collections.abc import Callable

import pytest
from PIL import ExifTags, Image, PngImagePlugin

from serve.media.decode import decode, encode_clean, read_clean
from tests.photos import building, person, still_life
from tests.unit.media.pictures import LIMITS, psnr, saved

CANARY = "Zq7-canary-artist"
RAW = CANARY.encode()


def exif() -> Image.Exif:
    """An artist, a place, and a thumbnail that has a comment of its own."""
    tags = Image.Exif()
    tags[ExifTags.Base.Artist] = CANARY
    tags.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSAreaInformation] = CANARY
    return tags


def with_thumbnail() -> bytes:
    return exif().tobytes() + saved(Image.new("RGB", (16, 16)), "JPEG", comment=RAW)


def png_text() -> PngImagePlugin.PngInfo:
    text = PngImagePlugin.PngInfo()
    text.add_text("Author", CANARY)
    text.add_itxt("Title", CANARY)
    return text


def iptc(data: bytes) -> bytes:
    """The JPEG with a Photoshop segment in front."""
    record = b"Photoshop 3.0\x008BIM\x04\x04\0\0\0\0\0\x18\x1c\x02\x50\0\x11" + RAW
    return data[:2] + b"\xff\xed" + (len(record) + 2).to_bytes(2, "big") + record + data[2:]


PLANTED: dict[str, Callable[[Image.Image], bytes]] = {
    "JPEG EXIF with thumbnail": lambda image: saved(image, "JPEG", exif=with_thumbnail()),
    "JPEG comment": lambda image: saved(image, "JPEG", comment=RAW),
    "JPEG XMP": lambda image: saved(image, "JPEG", xmp=RAW),
    "JPEG IPTC": lambda image: iptc(saved(image, "JPEG")),
    "JPEG profile": lambda image: saved(image, "JPEG", icc_profile=RAW),
    "JPEG trailer": lambda image: saved(image, "JPEG") + RAW,
    "PNG text": lambda image: saved(image, "PNG", pnginfo=png_text()),
    "PNG EXIF": lambda image: saved(image, "PNG", exif=exif()),
    "WebP EXIF": lambda image: saved(image, "WEBP", exif=exif()),
    "WebP XMP": lambda image: saved(image, "WEBP", xmp=RAW),
    "AVIF EXIF": lambda image: saved(image, "AVIF", exif=exif()),
    "HEIC EXIF": lambda image: saved(image, "HEIC", exif=exif().tobytes()),
    "HEIC XMP": lambda image: saved(image, "HEIC", xmp=RAW),
    "TIFF EXIF and GPS": lambda image: saved(image, "TIFF", exif=exif()),
    "TIFF XMP": lambda image: saved(image, "TIFF", tiffinfo={700: RAW}),
    "GIF comment": lambda image: saved(image, "GIF", comment=RAW),
}
PIXEL_SEGMENTS = {0xE0, 0xDB, 0xC0, 0xC4, 0xDA}
JFIF = re.compile(rb"JFIF\0\x01\x01.{5}\0\0", re.DOTALL)


def segments(data: bytes) -> dict[int, bytes]:
    """Marker and body of each segment of a JPEG, up to its scan."""
    found, at = dict[int, bytes](), 2
    while data[at + 1] != 0xDA:
        size = int.from_bytes(data[at + 2 : at + 4], "big")
        found[data[at + 1]] = data[at + 4 : at + 2 + size]
        at += 2 + size
    return found


@pytest.mark.parametrize("place", PLANTED)
def test_no_metadata_survives(place: str) -> None:
    source = PLANTED[place](Image.fromarray(person()))
    assert RAW in source
    clean, content_type = encode_clean(decode(source, LIMITS, 2560))
    assert content_type == "image/jpeg"
    assert RAW not in clean
    kept = segments(clean)
    assert set(kept) <= PIXEL_SEGMENTS
    assert JFIF.fullmatch(kept[0xE0])
    assert clean.endswith(b"\xff\xd9")


def test_the_clean_copy_looks_like_the_photo() -> None:
    for photo in (person(), building(), still_life()):
        assert psnr(read_clean(encode_clean(photo)[0]), photo) > 39

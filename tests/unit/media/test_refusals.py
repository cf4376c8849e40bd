"""What is refused as a photo, with which code."""

import time
from collections.abc import Callable
from functools import cache

import pytest
from PIL import Image

from serve.media.decode import decode
from serve.media.errors import MediaError
from serve.media.probe import inspect
from serve.media.sniff import FileType, sniff
from tests.photos import person
from tests.unit.media.pictures import (
    LIMITS,
    animated,
    flat,
    jpeg_of_many_scans,
    png_bomb,
    saved,
    tiff,
    webp_bomb,
)

STILL_KINDS = ("JPEG", "PNG", "WEBP", "AVIF", "GIF", "HEIC", "TIFF")


def claiming(side: int, heic: bytes) -> bytes:
    """The HEIC, its header saying that it is as large as that, whatever its coded picture is."""
    at = heic.index(b"ispe") + 8
    return heic[:at] + 2 * side.to_bytes(4, "big") + heic[at + 8 :]


REFUSALS: dict[str, tuple[Callable[[], bytes], str]] = {
    "empty": (lambda: b"", "image_empty"),
    "text": (lambda: b"just some words, no picture at all", "not_an_image"),
    "zeros": (lambda: bytes(5000), "not_an_image"),
    "svg": (lambda: b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>', "unsupported_image_type"),
    "bare svg": (lambda: b'\n <svg width="100" height="100"/>', "unsupported_image_type"),
    "pdf": (lambda: b"%PDF-1.7 and so on", "unsupported_image_type"),
    "mp4": (lambda: b"\0\0\0\x20ftypisom" + bytes(64), "unsupported_image_type"),
    "heic header alone": (lambda: b"\0\0\0\x20ftypheic" + bytes(64), "image_damaged"),
    "heic that says it is small": (lambda: claiming(100, saved(flat(1000, 1000), "HEIC")), "image_damaged"),
    "heic of an overlay": (lambda: saved(flat(100, 100), "HEIC").replace(b"hvc1", b"iovl", 1), "image_damaged"),
    "heic over the limit": (lambda: claiming(5000, saved(flat(100, 100), "HEIC")), "image_too_large"),
    "tiff bomb": (lambda: tiff(ImageWidth=30000, ImageLength=30000), "image_too_large"),
    "tiff of two pages": (
        lambda: saved(flat(99, 99), "TIFF", save_all=True, append_images=[flat(9, 9)]),
        "image_animated",
    ),
    "tiff of one strip again and again": (lambda: tiff(RowsPerStrip=99, StripOffsets=(8,) * 999), "image_damaged"),
    "tiff of a huge tile": (
        lambda: tiff(TileWidth=50_000, TileLength=50_000, TileOffsets=8, TileByteCounts=10_000),
        "image_damaged",
    ),
    "tiff of floats": (lambda: saved(Image.new("F", (100, 100)), "TIFF"), "image_damaged"),
    "tiff of a fax": (lambda: saved(Image.new("1", (100, 100)), "TIFF", compression="group4"), "image_damaged"),
    "tiff without pixels": (lambda: tiff(StripOffsets=1 << 30), "image_truncated"),
    "big tiff": (lambda: saved(flat(100, 100), "TIFF", big_tiff=True), "image_damaged"),
    "bmp": (lambda: saved(flat(100, 100), "BMP"), "unsupported_image_type"),
    "png bomb": (lambda: png_bomb(30000, 30000), "image_too_large"),
    "webp bomb": (lambda: webp_bomb(16000), "image_too_large"),
    "scan bomb": (lambda: jpeg_of_many_scans(500), "image_damaged"),
    "1x1": (lambda: saved(flat(1, 1), "PNG"), "image_too_small"),
    "63 wide": (lambda: saved(flat(63, 100), "JPEG"), "image_too_small"),
    "panorama": (lambda: saved(flat(2000, 100), "JPEG"), "aspect_out_of_range"),
    "animated gif": (lambda: animated("GIF"), "image_animated"),
    "animated webp": (lambda: animated("WEBP"), "image_animated"),
    "animated png": (lambda: animated("PNG"), "image_animated"),
    "animated avif": (lambda: animated("AVIF"), "image_animated"),
    "header alone": (lambda: b"\xff\xd8\xff\xe0", "image_damaged"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_is_refused_with_its_code(name: str) -> None:
    make, code = REFUSALS[name]
    for judge in (lambda data: inspect(data, LIMITS), lambda data: decode(data, LIMITS, 512)):
        with pytest.raises(MediaError) as refusal:
            judge(make())
        assert refusal.value.code == code
        assert len(refusal.value.message.split()) > 4


@pytest.mark.parametrize(
    "make", [lambda: png_bomb(60000, 60000), lambda: webp_bomb(16000), lambda: jpeg_of_many_scans(9000)]
)
def test_a_bomb_is_refused_before_it_is_decoded(make: Callable[[], bytes]) -> None:
    data = make()
    started = time.thread_time()
    with pytest.raises(MediaError):
        inspect(data, LIMITS)
    assert time.thread_time() - started < 0.1


@cache
def whole_picture(kind: str) -> bytes:
    photo = Image.fromarray(person())
    return saved(photo, "JPEG", progressive=True) if kind == "progressive" else saved(photo, kind)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF", "HEIC", "TIFF", "progressive"])
@pytest.mark.parametrize("part", [0.02, 0.1, 0.35, 0.6, 0.8, 0.9, 0.97])
def test_a_truncated_picture_is_refused(kind: str, part: float) -> None:
    whole = whole_picture(kind)
    with pytest.raises(MediaError) as refusal:
        inspect(whole[: int(len(whole) * part)], LIMITS)
    assert refusal.value.code in {"image_truncated", "image_damaged"}


@pytest.mark.parametrize("kind", STILL_KINDS)
def test_a_whole_picture_is_accepted(kind: str) -> None:
    assert inspect(saved(Image.fromarray(person()), kind), LIMITS) == (kind, 512, 512)


def test_the_first_picture_of_a_camera_file_with_several_is_taken() -> None:
    photo = Image.fromarray(person())
    several = saved(photo, "MPO", save_all=True, append_images=[photo.resize((128, 128))])
    assert inspect(several, LIMITS) == ("JPEG", 512, 512)
    assert decode(several, LIMITS, 512).shape == (512, 512, 3)


@pytest.mark.parametrize(
    ("start", "file_type"),
    [
        (b"\0\0\0\x1cftypmif1\0\0\0\0mif1avifmiaf", FileType.AVIF),
        (b"\0\0\0\x18ftypmif1\0\0\0\0heic", FileType.HEIC),
        (b"\xef\xbb\xbf<!DOCTYPE svg PUBLIC", FileType.SVG),
        (b"MM\0*\0\0\0\x08", FileType.TIFF),
        (b"RIFF\x10\0\0\0WAVEfmt ", FileType.UNKNOWN),
    ],
)
def test_files_are_known_by_their_bytes(start: bytes, file_type: FileType) -> None:
    assert sniff(start) is file_type

"""Every kind of photo that people have: by its coding, its depth, its size and what it shows."""

from collections.abc import Callable, Mapping
from io import BytesIO

import cv2
import numpy as np
import pillow_heif
import pytest
from PIL import Image, ImageDraw

from serve.media.decode import decode
from serve.media.probe import ACCEPTED, ImageLimits, inspect, may_be_picture
from serve.media.sniff import SNIFFED_BYTES
from tests.photos import Photo, building, person, still_life
from tests.unit.media.pictures import LIMITS, flat, psnr, saved, tiff


def of_16_bits(suffix: str) -> bytes:
    """A colour photo of 16 bits a channel, whose low bytes are not those of its high ones."""
    deep = person()[..., ::-1].astype(np.uint16) * 256 + 77
    return cv2.imencode(suffix, deep)[1].tobytes()


def photo(kind: str, **options: object) -> bytes:
    return saved(Image.fromarray(person()), kind, **options)


CODINGS: Mapping[str, Callable[[], bytes]] = {
    "progressive JPEG": lambda: photo("JPEG", quality=95, progressive=True),
    "JPEG of full colour": lambda: photo("JPEG", quality=95, subsampling="4:4:4"),
    "PNG of 16 bits": lambda: of_16_bits(".png"),
    "lossless WebP": lambda: photo("WEBP", lossless=True, method=0),
    "AVIF": lambda: photo("AVIF", quality=95),
    "HEIC": lambda: photo("HEIC", quality=90),
    "HEIC of full colour": lambda: photo("HEIC", quality=90, chroma=444),
    "TIFF": lambda: photo("TIFF"),
    "TIFF of 16 bits": lambda: of_16_bits(".tiff"),
    "TIFF by LZW": lambda: photo("TIFF", compression="tiff_lzw"),
    "TIFF by Deflate": lambda: photo("TIFF", compression="tiff_adobe_deflate"),
    "TIFF by PackBits": lambda: photo("TIFF", compression="packbits"),
    "TIFF by JPEG": lambda: photo("TIFF", compression="jpeg", quality=95),
}


@pytest.mark.parametrize("coding", CODINGS)
def test_a_photo_is_read_however_it_is_coded(coding: str) -> None:
    data = CODINGS[coding]()
    assert may_be_picture(data[:SNIFFED_BYTES])
    assert inspect(data, LIMITS)[1:] == (512, 512)
    assert psnr(decode(data, LIMITS, 512), person()) > 32


@pytest.mark.parametrize("mode", ["L", "P", "CMYK", "RGBA", "LA", "I;16", "1", "YCbCr"])
def test_every_mode_of_a_tiff_becomes_rgb(mode: str) -> None:
    grey = Image.fromarray(person()).convert("L")
    deep = Image.fromarray(np.asarray(grey).astype(np.uint16) * 257)
    pixels = decode(saved(deep if mode == "I;16" else grey.convert("RGB").convert(mode), "TIFF"), LIMITS, 512)
    assert psnr(pixels[..., 1], np.asarray(grey)) > {"1": 6, "P": 20}.get(mode, 30)


@pytest.mark.parametrize(
    "tiles", [{}, {"TileWidth": 112, "TileLength": 112, "TileOffsets": 8, "TileByteCounts": 12_544}]
)
def test_strips_and_tiles_are_read(tiles: dict[str, int]) -> None:
    assert (decode(tiff(**tiles), LIMITS, 100) == 128).all()


@pytest.mark.parametrize("kind", ["WEBP", "AVIF", "HEIC", "TIFF"])
def test_transparency_lies_on_white(kind: str) -> None:
    clear = Image.new("RGBA", (100, 100), (200, 0, 0, 0))
    assert decode(saved(clear, kind), LIMITS, 100).min() > 250


def test_the_primary_picture_of_a_heic_with_several_is_taken() -> None:
    other = Image.new("RGB", (128, 128), "red")
    heic = pillow_heif.from_pillow(Image.fromarray(person()))
    heic.add_from_pillow(other)
    out = BytesIO()
    heic.save(out, primary_index=0)
    assert inspect(out.getvalue(), LIMITS) == ("HEIC", 512, 512)


@pytest.mark.parametrize(("width", "height"), [(4032, 3024), (12_000, 8500)], ids=["12 MP", "102 MP"])
def test_a_large_photo_is_made_smaller(width: int, height: int) -> None:
    data = saved(flat(width, height), "JPEG")
    limits = ImageLimits()
    assert inspect(data, limits)[1:] == (width, height)
    pixels = decode(data, limits, 2560)
    assert max(pixels.shape) == 2560
    assert np.abs(pixels.astype(int) - (90, 120, 60)).max() <= 2


def screenshot() -> Photo:
    page = Image.new("RGB", (800, 600), "white")
    for line in range(0, 600, 20):
        ImageDraw.Draw(page).text((10, line), "What a page of text looks like. " * 4, fill="black")
    return np.asarray(page)


def drawing() -> Photo:
    sheet = Image.new("RGB", (640, 480), (250, 240, 210))
    ImageDraw.Draw(sheet).line([(20, 460), (320, 30), (620, 460)], fill=(20, 20, 120), width=5)
    return np.asarray(sheet)


SCENES: Mapping[str, Callable[[], Photo]] = {
    "portrait": lambda: person()[:, 100:400],
    "building": building,
    "close-up": still_life,
    "night": lambda: np.asarray(building() // 24, np.uint8),
    "screenshot": screenshot,
    "drawing": drawing,
    "one colour": lambda: np.full((300, 400, 3), 200, np.uint8),
}


@pytest.mark.parametrize("kind", ["JPEG", "HEIC", "TIFF"])
@pytest.mark.parametrize("scene", SCENES)
def test_whatever_a_photo_shows_is_read(scene: str, kind: str) -> None:
    shown = SCENES[scene]()
    pixels = decode(saved(Image.fromarray(shown), kind, quality=90), LIMITS, 2560)
    assert psnr(pixels, shown) > 26


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WebP", "HEIC", "AVIF", "TIFF"])
def test_the_texts_name_what_is_read(kind: str) -> None:
    assert kind in ACCEPTED
    assert may_be_picture(saved(flat(100, 100), kind.upper())[:SNIFFED_BYTES])

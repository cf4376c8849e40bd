"""However a camera was held, its photo is turned upright, and no more than once."""

import numpy as np
import pytest
from PIL import ExifTags, Image

from serve.media.decode import decode
from serve.media.probe import inspect
from tests.photos import person
from tests.unit.media.pictures import LIMITS, psnr, saved

UPRIGHT = Image.fromarray(person()[:400])
LYING = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}
ORIENTATION, UNUSED = b"\x01\x12\x00\x03", b"\x01\x13\x00\x03"
"""How an entry begins that is a short number: its tag and its type."""


def lying(orientation: int) -> Image.Image:
    """The photo as a camera stores it that was held so."""
    return UPRIGHT.transpose(LYING[orientation]) if orientation in LYING else UPRIGHT


def avif(stored: Image.Image, exif_says: int, boxes_say: int) -> bytes:
    """An AVIF with an orientation in its EXIF, too, which Pillow would leave to the boxes alone."""
    exif = Image.Exif()
    exif[int.from_bytes(UNUSED[:2], "big")] = exif_says
    exif[ExifTags.Base.Orientation] = boxes_say
    data = saved(stored, "AVIF", quality=95, exif=exif)
    assert data.count(UNUSED) == 1
    return data.replace(UNUSED, ORIENTATION)


def assert_upright(data: bytes) -> None:
    assert inspect(data, LIMITS)[1:] == UPRIGHT.size
    assert psnr(decode(data, LIMITS, 2560), np.asarray(UPRIGHT)) > 30


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF", "HEIC", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_photos_are_turned_upright(orientation: int, kind: str) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    assert_upright(
        saved(lying(orientation), kind, quality=95, exif=exif.tobytes() if kind == "HEIC" else exif),
    )


@pytest.mark.parametrize("orientation", range(1, 9))
def test_an_avif_that_says_it_twice_is_turned_once(orientation: int) -> None:
    assert_upright(avif(lying(orientation), exif_says=orientation, boxes_say=orientation))


@pytest.mark.parametrize("exif_says", [3, 6])
@pytest.mark.parametrize("boxes_say", [1, 8])
def test_the_boxes_of_an_avif_have_the_last_word(exif_says: int, boxes_say: int) -> None:
    assert_upright(avif(lying(boxes_say), exif_says, boxes_say))


def test_a_broken_orientation_is_none() -> None:
    data = saved(Image.fromarray(person()), "PNG", exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xff broken")
    assert np.array_equal(decode(data, LIMITS, 2560), person())

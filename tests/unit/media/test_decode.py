"""What comes out of a photo: upright sRGB pixels of a bounded size."""

import numpy as np
import pytest
from PIL import Image, ImageCms

from serve.media.decode import decode
from tests.photos import person
from tests.unit.media.pictures import LIMITS, psnr, saved


def swapped_profile() -> bytes:
    """A profile in which the red primary stands where green should, and the other way round."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    red, green = profile.index(b"rXYZ"), profile.index(b"gXYZ")
    profile[red : red + 4], profile[green : green + 4] = b"gXYZ", b"rXYZ"
    return bytes(profile)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF", "HEIC", "TIFF"])
def test_colours_are_converted_to_srgb(kind: str) -> None:
    red = Image.new("RGB", (96, 96), (200, 10, 10))
    pixel = decode(saved(red, kind, icc_profile=swapped_profile(), quality=95), LIMITS, 96)[48, 48].astype(int)
    assert pixel[1] > 150 > 60 > pixel[0]


@pytest.mark.parametrize(
    "profile", [b"no profile at all", ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()]
)
def test_a_profile_that_does_not_fit_is_ignored(profile: bytes) -> None:
    data = saved(Image.fromarray(person()), "PNG", icc_profile=profile)
    assert np.array_equal(decode(data, LIMITS, 2560), person())


@pytest.mark.parametrize("mode", ["L", "P", "CMYK", "RGBA", "LA", "I;16", "1"])
def test_every_mode_becomes_rgb(mode: str) -> None:
    photo = Image.fromarray(person())
    if mode == "I;16":
        source = Image.fromarray(np.asarray(photo.convert("L")).astype(np.uint16) * 257)
    else:
        source = photo.convert(mode)
    pixels = decode(saved(source, "JPEG" if mode == "CMYK" else "PNG"), LIMITS, 2560)
    assert pixels.shape == (512, 512, 3)
    assert psnr(pixels[..., 1], np.asarray(photo.convert("L"))) > (6 if mode == "1" else 18)


@pytest.mark.parametrize(
    "image",
    [
        Image.new("RGBA", (100, 100), (200, 0, 0, 0)),
        Image.new("LA", (100, 100), (20, 0)),
        Image.new("RGBA", (100, 100), (200, 0, 0, 0)).quantize(),
    ],
    ids=["RGBA", "LA", "P"],
)
@pytest.mark.parametrize("max_side", [100, 50])
def test_transparency_lies_on_white(image: Image.Image, max_side: int) -> None:
    assert np.array_equal(decode(saved(image, "PNG"), LIMITS, max_side), np.full((max_side, max_side, 3), 255))


def test_a_colour_declared_transparent_lies_on_white() -> None:
    pixels = decode(saved(Image.new("RGB", (100, 100), (1, 2, 3)), "PNG", transparency=(1, 2, 3)), LIMITS, 100)
    assert (pixels == 255).all()


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_large_photos_are_made_smaller_and_stay_sharp(kind: str) -> None:
    photo = Image.fromarray(person())
    large = photo.resize((3000, 2000), Image.Resampling.BICUBIC)
    pixels = decode(saved(large, kind, quality=95, compress_level=1), LIMITS, 1500)
    assert pixels.shape == (1000, 1500, 3)
    assert psnr(pixels, np.asarray(large.resize((1500, 1000), Image.Resampling.LANCZOS))) > 38


def test_small_photos_are_not_made_larger() -> None:
    assert decode(saved(Image.fromarray(person()), "PNG"), LIMITS, 2560).shape == (512, 512, 3)

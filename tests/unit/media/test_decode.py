"""What comes out of a photo: upright sRGB pixels and nothing else."""

from io import BytesIO

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageCms, PngImagePlugin

from serve.media.decode import decode, encode_clean, read_clean
from serve.media.probe import ImageLimits, inspect
from tests.photos import Photo, person

LIMITS = ImageLimits(max_pixels=20_000_000, min_side=64, max_aspect=4.0)
CANARY = "Zq7-canary-artist"


def psnr(first: Photo, second: Photo) -> float:
    error = np.mean((first.astype(float) - second.astype(float)) ** 2)
    return float(10 * np.log10(255**2 / max(error, 1e-9)))


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    stream = BytesIO()
    image.save(stream, kind, **options)  # type: ignore[arg-type]
    return stream.getvalue()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_photos_are_turned_upright(orientation: int) -> None:
    upright = Image.fromarray(person()[:400])
    undo = {
        2: [Image.Transpose.FLIP_LEFT_RIGHT],
        3: [Image.Transpose.ROTATE_180],
        4: [Image.Transpose.FLIP_TOP_BOTTOM],
        5: [Image.Transpose.TRANSPOSE],
        6: [Image.Transpose.ROTATE_90],
        7: [Image.Transpose.TRANSVERSE],
        8: [Image.Transpose.ROTATE_270],
    }
    stored = upright
    for step in undo.get(orientation, []):
        stored = stored.transpose(step)
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    data = saved(stored, "JPEG", quality=95, exif=exif)
    facts = inspect(data, LIMITS)
    assert (facts.width, facts.height) == upright.size
    assert psnr(decode(data, LIMITS, 2560), np.asarray(upright)) > 30


def test_no_metadata_survives() -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Artist] = CANARY
    exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSAreaInformation] = CANARY
    text = PngImagePlugin.PngInfo()
    text.add_text("Author", CANARY)
    image = Image.fromarray(person())
    for source in (
        saved(image, "JPEG", exif=exif, comment=CANARY.encode(), xmp=CANARY.encode()),
        saved(image, "PNG", pnginfo=text),
        saved(image, "WEBP", exif=exif, xmp=CANARY.encode()),
    ):
        assert CANARY.encode() in source
        clean, content_type = encode_clean(decode(source, LIMITS, 2560))
        assert CANARY.encode() not in clean
        assert content_type == "image/jpeg"
        with Image.open(BytesIO(clean)) as reopened:
            assert not reopened.getexif()
            assert set(reopened.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}


def test_the_clean_copy_looks_like_the_photo() -> None:
    clean, _ = encode_clean(person())
    assert psnr(read_clean(clean), person()) > 40


def test_colours_are_converted_to_srgb() -> None:
    lab = ImageCms.createProfile("LAB")
    to_lab = ImageCms.buildTransform(ImageCms.createProfile("sRGB"), lab, "RGB", "LAB")
    image = Image.fromarray(person())
    data = saved(
        ImageCms.applyTransform(image, to_lab) or image, "TIFF", icc_profile=ImageCms.ImageCmsProfile(lab).tobytes()
    )
    assert psnr(decode(data, LIMITS, 2560), person()) > 30


def test_a_broken_profile_is_ignored() -> None:
    data = saved(Image.fromarray(person()), "PNG", icc_profile=b"no profile at all")
    assert np.array_equal(decode(data, LIMITS, 2560), person())


@pytest.mark.parametrize("mode", ["L", "P", "CMYK", "RGBA", "LA", "I;16", "1"])
def test_every_mode_becomes_rgb(mode: str) -> None:
    source = Image.fromarray(person())
    if mode == "I;16":
        source = Image.fromarray((np.asarray(source.convert("L")).astype(np.uint16)) * 257)
    else:
        source = source.convert(mode)
    pixels = decode(saved(source, "TIFF" if mode == "CMYK" else "PNG"), LIMITS, 2560)
    assert pixels.shape == (512, 512, 3)
    assert psnr(pixels[..., 1], np.asarray(Image.fromarray(person()).convert("L"))) > (6 if mode == "1" else 18)


def test_transparency_lies_on_white() -> None:
    image = Image.new("RGBA", (100, 100), (200, 0, 0, 0))
    assert np.array_equal(decode(saved(image, "PNG"), LIMITS, 2560), np.full((100, 100, 3), 255))


def test_large_photos_are_made_smaller() -> None:
    large = Image.fromarray(person()).resize((3000, 2000))
    assert decode(saved(large, "JPEG"), LIMITS, 1500).shape == (1000, 1500, 3)

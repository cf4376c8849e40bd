"""From the bytes of a photo to upright sRGB pixels and nothing else, and back to a clean file."""

from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageOps

from serve.media.errors import MediaError
from serve.media.probe import ImageLimits, opened, reading

__all__ = ["decode", "encode_clean", "read_clean"]

Pixels = NDArray[np.uint8]

_GROUND = (255, 255, 255)
_SRGB = ImageCms.createProfile("sRGB")


def decode(data: bytes, limits: ImageLimits, max_side: int) -> Pixels:
    """Decode a photo: height x width x 3, 8-bit sRGB, upright, its longer side at most ``max_side`` pixels.

    Raises:
        MediaError: as in `probe.inspect`, or the full decode fails.
    """
    with opened(data, limits) as image, reading():
        image.draft("RGB", (max_side, max_side))
        image.load()
        upright = ImageOps.exif_transpose(image)
        upright.thumbnail((max_side, max_side), Image.Resampling.LANCZOS, reducing_gap=3.0)
        pixels = np.asarray(_to_srgb(upright), dtype=np.uint8)
    if pixels.ndim != 3 or pixels.shape[2] != 3:
        raise MediaError("not_an_image")
    return pixels


def encode_clean(pixels: Pixels) -> tuple[bytes, str]:
    """A file of the pixels alone, without any metadata, and its media type. JPEG of high quality: small and quick."""
    stream = BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG", quality=96, subsampling=0)
    return stream.getvalue(), "image/jpeg"


def read_clean(data: bytes) -> Pixels:
    """The pixels of a file that `encode_clean` made: height x width x 3."""
    with Image.open(BytesIO(data), formats=["JPEG"]) as image:
        return np.asarray(image.convert("RGB"), dtype=np.uint8)


def _to_srgb(image: Image.Image) -> Image.Image:
    """Colours as the picture's own profile means them, on a white ground where it is transparent."""
    profile = image.info.get("icc_profile")
    if image.mode in ("I;16", "I", "F", "I;16B"):
        return _from_deep(image).convert("RGB")
    if image.mode in ("LA", "PA", "RGBA", "La", "RGBa") or "transparency" in image.info:
        layer = image.convert("RGBA")
        ground = Image.new("RGBA", layer.size, (*_GROUND, 255))
        image = Image.alpha_composite(ground, layer).convert("RGB")
    elif image.mode not in ("RGB", "CMYK", "L", "LAB"):
        image = image.convert("RGB")
    return _through_profile(image, profile).convert("RGB")


def _through_profile(image: Image.Image, profile: bytes | None) -> Image.Image:
    if not profile:
        return image
    try:
        source = ImageCms.ImageCmsProfile(BytesIO(profile))
        converted = ImageCms.profileToProfile(image, source, _SRGB, outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return image
    return converted or image


def _from_deep(image: Image.Image) -> Image.Image:
    """More than eight bits of grey, scaled by its full range."""
    values = np.asarray(image, dtype=np.float64)
    top = 65535.0 if values.max(initial=0) > 255 else 255.0
    return Image.fromarray(np.clip(values * (255.0 / top), 0, 255).astype(np.uint8))

"""Separate a matted subject from what is behind it."""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from serve.engines.parallax.filters import Map, blur, dilate, smoothstep
from serve.engines.parallax.scene import Layer

Image = NDArray[np.uint8]
Inpaint = Callable[[Image, NDArray[np.bool_]], Image]


def separate(photo: Image, alpha: Map, inpaint: Inpaint) -> tuple[Image, Image]:
    """The background with the subject painted over, and the subject as RGBA with premultiplied colours.

    `alpha`: 0..1, of the photo's size. The hole given to `inpaint` is larger than the matte, so that the painter does
    not see the subject's fringe, and no fringe stays behind when the subject moves away.
    """
    side = float(np.sqrt(alpha.size))
    painted = inpaint(photo, dilate(alpha, side / 80) > 0.02).astype(np.float32)
    hidden = cv2.GaussianBlur(dilate(alpha, side / 200), (0, 0), side / 400)
    use = smoothstep(0.02, 0.3, np.asarray(hidden, np.float32))[..., None]
    opacity = alpha[..., None]
    subject = np.dstack((opacity * _foreground_colours(photo, alpha), 255 * opacity))
    return _to_bytes(photo * (1 - use) + painted * use), _to_bytes(subject)


def cut_out(name: str, pixels: Image, disparity: Map) -> Layer:
    """A layer of the part of RGBA `pixels` that is not transparent."""
    left, top, width, height = cv2.boundingRect(np.ascontiguousarray(pixels[..., 3]))
    part = np.ascontiguousarray(pixels[top : top + height, left : left + width])
    return Layer(name, part, disparity, left, top)


def _foreground_colours(photo: Image, alpha: Map) -> Map:
    """The subject's own colours where it is half transparent, spread a little beyond it.

    Forte, "Approximate Fast Foreground Colour Estimation", ICIP 2021: blur fusion, from coarse to fine.
    """
    side = float(np.sqrt(alpha.size))
    image = photo.astype(np.float32)
    colours, behind = image, image
    for radius in (side / 8, side / 25, side / 120):
        colours, behind = _blur_fusion(image, alpha, colours, behind, radius)
    return colours


def _blur_fusion(image: Map, alpha: Map, colours: Map, behind: Map, radius: float) -> tuple[Map, Map]:
    opacity, weight = alpha[..., None], blur(alpha, radius)[..., None]
    near = blur(colours * opacity, radius) / (weight + 1e-3)
    far = blur(behind * (1 - opacity), radius) / (1 - weight + 1e-3)
    near = near + opacity * (image - opacity * near - (1 - opacity) * far)
    return np.clip(near, 0, 255).astype(np.float32), np.clip(far, 0, 255).astype(np.float32)


def _to_bytes(image: Map) -> Image:
    return np.clip(image.round(), 0, 255).astype(np.uint8)

"""Take a photo apart into layers."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from serve.engines.parallax import disparity
from serve.engines.parallax.camera import Pose
from serve.engines.parallax.filters import Map, dilate
from serve.engines.parallax.networks import Networks
from serve.engines.parallax.projection import needed_margin, reach
from serve.engines.parallax.scene import Layer, Scene
from serve.engines.parallax.separation import Inpaint, cut_out, separate
from serve.engines.parallax.split import near_matte
from serve.engines.parallax.subject import choose_matte

STEPS = 6
"""How often `decompose` reports."""

_NARROW = 8
_HEADROOM = 6
"""A dolly's centre is at most so many times as far below the frame's upper edge as the subject's top."""

Image = NDArray[np.uint8]


def decompose(photo: Image, networks: Networks, path: Sequence[Pose], done: Callable[[], None]) -> Scene:
    """The scene of a photo that already has the frame's size, with all that the camera on `path` will see.

    `done` is called after each of `STEPS` steps, and may raise to stop.
    """
    height, width = photo.shape[:2]
    depth = disparity.refine(photo, networks.depth(photo))
    done()
    salient = networks.salient_matting(photo)
    done()
    alpha = choose_matte(photo, salient, networks.portrait_matting(photo))
    done()
    scene = Scene(width, height, 0, _centre(photo, alpha), ())
    scene = replace(scene, margin=needed_margin(path, scene))
    canvas = _outpaint(photo, scene.margin, networks.inpainting)
    done()
    apart = reach(path, scene)
    relative = disparity.relative(depth, alpha)
    layers: tuple[Layer, ...] = ()
    known = np.ones_like(relative)
    if alpha is not None:
        canvas, subject = separate(canvas, _widen(alpha, scene.margin), networks.inpainting)
        layers = (cut_out("subject", subject, disparity.flattened(depth, alpha, apart)),)
        known = _outside(alpha)
    done()
    behind = _split(canvas, relative, known, apart, networks.inpainting)
    done()
    return replace(scene, layers=(*behind, *layers))


def _split(canvas: Image, relative: Map, known: Map, apart: float, inpaint: Inpaint) -> tuple[Layer, ...]:
    """What is behind the subject: one layer, or two where its depth has a clear gap."""
    height, width = relative.shape
    margin = (canvas.shape[0] - height) // 2
    photo = canvas[margin : margin + height, margin : margin + width]
    near = near_matte(photo, relative, known)
    if near is None:
        return (Layer("background", canvas, disparity.background(relative, known, apart)),)
    far_pixels, near_pixels = separate(canvas, _widen(near, margin), inpaint)
    near_depth = disparity.background(relative, known * _outside(1 - near), apart)
    far_depth = disparity.background(relative, known * _outside(near), apart)
    return Layer("far", far_pixels, far_depth), cut_out("near", near_pixels, near_depth)


def _outside(alpha: Map) -> Map:
    """1 where the depth is surely not that of the matted part: a network's depth is not sharp at its edge."""
    return (dilate(alpha, float(np.sqrt(alpha.size)) / 60) < 0.05).astype(np.float32)


def _centre(photo: Image, alpha: Map | None) -> tuple[float, float]:
    """Half-way from the middle of the frame to the subject, and so high that moving in cuts no head off."""
    height, width = photo.shape[:2]
    middle_x, middle_y = (width - 1) / 2, (height - 1) / 2
    if alpha is None:
        return middle_x, middle_y
    rows, columns = np.nonzero(alpha > 0.5)
    x, y = (middle_x + float(columns.mean())) / 2, (middle_y + float(rows.mean())) / 2
    top = float(rows.min())
    return x, min(y, _HEADROOM * top) if top > 0 else y


def _outpaint(photo: Image, margin: int, inpaint: Inpaint) -> Image:
    """The photo with a painted margin around it; a mirrored one where it is too narrow to tell."""
    canvas = np.asarray(cv2.copyMakeBorder(photo, margin, margin, margin, margin, cv2.BORDER_REFLECT_101), np.uint8)
    hole = np.ones(canvas.shape[:2], bool)
    hole[margin:-margin, margin:-margin] = False
    return canvas if margin <= _NARROW else inpaint(canvas, hole)


def _widen(alpha: Map, margin: int) -> Map:
    widened = cv2.copyMakeBorder(alpha, margin, margin, margin, margin, cv2.BORDER_REPLICATE)
    return np.asarray(widened, np.float32)

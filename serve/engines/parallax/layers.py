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
from serve.engines.parallax.projection import grid_shape, needed_margin, reach
from serve.engines.parallax.readable import has_depth
from serve.engines.parallax.scene import Layer, Scene
from serve.engines.parallax.separation import Inpaint, cut_out, separate
from serve.engines.parallax.split import near_matte
from serve.engines.parallax.subject import choose_subject

STEPS = 6
"""How often `decompose` reports."""

_NARROW = 8
_PLANE = 0.5
"""Disparity of a picture that is not taken apart: the camera moves half as far as past a subject."""
_HEADROOM = 6
"""A dolly's centre is at most so many times as far below the frame's upper edge as the subject's top."""

Image = NDArray[np.uint8]


def decompose(photo: Image, networks: Networks, path: Sequence[Pose], done: Callable[[], None]) -> Scene:
    """The scene of a photo that already has the frame's size, with all that the camera on `path` will see.

    `done` is called after each of `STEPS` steps, and may raise to stop.
    """
    height, width = photo.shape[:2]
    depth = disparity.refine(photo, networks.depth(photo))
    has_room = has_depth(photo, depth)
    done()
    salient = networks.salient_matting(photo)
    done()
    subject = choose_subject(photo, salient, networks.portrait_matting(photo)) if has_room else None
    done()
    scene = Scene(width, height, 0, _centre(photo, subject.alpha if subject else None), ())
    scene = replace(scene, margin=needed_margin(path, scene))
    canvas = _outpaint(photo, scene.margin, networks.inpainting)
    done()
    front: tuple[Layer, ...] = ()
    known, alpha = np.ones_like(depth), None
    apart = reach(path, scene)
    if subject is not None:
        alpha, known = subject.alpha, _outside(subject.alpha)
        canvas, cut = separate(canvas, _widen(alpha, scene.margin), networks.inpainting)
        shape = disparity.rigid(width, height) if subject.is_person else disparity.flattened(depth, alpha, apart)
        front = (cut_out("subject", cut, shape),)
    done()
    relative = disparity.relative(depth, alpha)
    behind = _split(canvas, relative, known, apart, networks.inpainting) if has_room else (_plane(canvas, scene),)
    done()
    return replace(scene, layers=(*behind, *front))


def _plane(canvas: Image, scene: Scene) -> Layer:
    """A picture without room in it, moved as one."""
    return Layer("plane", canvas, np.full(grid_shape(scene.width, scene.height), _PLANE, np.float32))


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

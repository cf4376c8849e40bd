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
from serve.engines.parallax.separation import cut_out, separate
from serve.engines.parallax.subject import choose_matte

STEPS = 5
"""How often `decompose` reports."""

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
    canvas = _outpaint(photo, scene.margin, networks)
    done()
    apart = reach(path, scene)
    relative = disparity.relative(depth, alpha)
    if alpha is None:
        background = Layer("background", canvas, disparity.background(relative, np.ones_like(relative), apart))
        done()
        return replace(scene, layers=(background,))
    around = (dilate(alpha, _side(alpha) / 60) < 0.05).astype(np.float32)
    behind, subject = separate(canvas, _widen(alpha, scene.margin), networks.inpainting)
    done()
    background = Layer("background", behind, disparity.background(relative, around, apart))
    depths = disparity.flattened(depth, alpha, apart)
    return replace(scene, layers=(background, cut_out("subject", subject, depths)))


def _centre(photo: Image, alpha: Map | None) -> tuple[float, float]:
    """Half-way from the middle of the frame to the subject."""
    height, width = photo.shape[:2]
    middle = np.array([(width - 1) / 2, (height - 1) / 2])
    if alpha is not None:
        rows, columns = np.nonzero(alpha > 0.5)
        middle = (middle + np.array([columns.mean(), rows.mean()])) / 2
    return float(middle[0]), float(middle[1])


def _outpaint(photo: Image, margin: int, networks: Networks) -> Image:
    """The photo with a painted margin around it."""
    canvas = cv2.copyMakeBorder(photo, margin, margin, margin, margin, cv2.BORDER_REFLECT_101)
    hole = np.ones(canvas.shape[:2], bool)
    hole[margin:-margin, margin:-margin] = False
    return networks.inpainting(np.asarray(canvas, np.uint8), hole)


def _widen(alpha: Map, margin: int) -> Map:
    widened = cv2.copyMakeBorder(alpha, margin, margin, margin, margin, cv2.BORDER_REPLICATE)
    return np.asarray(widened, np.float32)


def _side(image: Map) -> float:
    return float(np.sqrt(image.size))

"""Background blur: what lies behind the subject goes out of focus while the camera sets off, the farther the more."""

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from serve.engines.parallax.camera import Pose
from serve.engines.parallax.scene import Layer, Scene
from serve.engines.parallax.warp import Warp

__all__ = ["Focus", "out_of_focus", "weights"]

Image = NDArray[np.uint8]

_STRONGEST = 1 / 50
"""Standard deviation of the blur of what is infinitely far, in units of the picture's side (W·H)^½."""
_SECONDS = 1.0


def out_of_focus(scene: Scene, blur: float) -> Scene:
    """The scene with every layer behind the nearest one blurred; `blur` is 0 to 1."""
    strongest = blur * _STRONGEST * (scene.width * scene.height) ** 0.5
    *behind, nearest = scene.layers
    return replace(scene, layers=(*(_blurred(layer, strongest) for layer in behind), nearest))


def weights(frame_count: int, fps: int, loop: bool) -> list[float]:
    """How far out of focus each frame is, 0 to 1: the first not at all, and with `loop` the last ones hardly."""
    time = np.arange(frame_count) / fps
    if loop:
        time = np.minimum(time, frame_count / fps - time)
    share = np.clip(time / min(_SECONDS, frame_count / fps / 2), 0, 1)
    return [float(each) for each in share * share * (3 - 2 * share)]


class Focus:
    """Frames between sharp and soft ones; what is not seen is not rendered."""

    def __init__(self, sharp: Warp, soft: Warp) -> None:
        self._sharp = sharp
        self._soft = soft

    def __call__(self, poses: Sequence[Pose], shares: Sequence[float]) -> list[Image]:
        """`shares`: how soft each frame is, 0 to 1."""
        if max(shares) == 0:
            return self._sharp(poses)
        soft = self._soft(poses)
        if min(shares) == 1:
            return soft
        both = zip(self._sharp(poses), soft, shares, strict=True)
        return [np.asarray(cv2.addWeighted(one, 1 - share, other, share, 0), np.uint8) for one, other, share in both]


def _blurred(layer: Layer, strongest: float) -> Layer:
    behind = float(np.clip(1 - layer.disparity.mean(), 0, 1))
    if strongest * behind < 0.3:
        return layer
    soft = cv2.GaussianBlur(layer.pixels, (0, 0), strongest * behind, borderType=cv2.BORDER_REPLICATE)
    return replace(layer, pixels=np.asarray(soft, np.uint8))

"""What the layers lack of the photo: added while the camera is where the photo was taken, gone once it moves."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from serve.engines.parallax.camera import Pose
from serve.engines.parallax.projection import displacement
from serve.engines.parallax.scene import Scene
from serve.engines.parallax.warp import Warp

Image = NDArray[np.uint8]

_FADED_AT_PIXELS = 4.0


class Residue:
    """Soft edges cannot be taken apart without loss; so that the first frame is the photo, the loss is added back."""

    def __init__(self, photo: Image, scene: Scene, warp: Warp) -> None:
        self._scene = scene
        self._warp = warp
        self._missing = photo.astype(np.int16) - warp([Pose()])[0]

    def __call__(self, poses: Sequence[Pose]) -> list[Image]:
        """Frames of the warp, completed."""
        return [self._completed(frame, pose) for frame, pose in zip(self._warp(poses), poses, strict=True)]

    def _completed(self, frame: Image, pose: Pose) -> Image:
        weight = 1 - displacement(pose, self._scene) / _FADED_AT_PIXELS
        if weight <= 0:
            return frame
        missing = (self._missing * weight).round().astype(np.int16)
        return np.asarray(cv2.add(frame, missing, dtype=cv2.CV_8U), np.uint8)

"""What is asked of a clip, as numbers: how far its parts move, how evenly, and what it leaves unfilled."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from serve.engines.parallax.camera import Pose
from serve.engines.parallax.scene import Layer, Scene
from serve.engines.parallax.warp import OpenCvWarp

Image = NDArray[np.uint8]


@dataclass(frozen=True)
class Motion:
    """Mean optical flow in pixels from each frame to the next: of the subject, of all else, and of everything."""

    foreground: NDArray[np.float64]
    background: NDArray[np.float64]
    everything: NDArray[np.float64]

    @property
    def parallax(self) -> float:
        """How many times as far the subject moves."""
        return float(self.foreground.sum() / self.background.sum())

    @property
    def jump(self) -> float:
        """The largest step from one frame to the next, in medians."""
        return float(self.everything.max() / np.median(self.everything))


def motion(frames: Sequence[Image], masks: Sequence[NDArray[np.float32]]) -> Motion:
    """Measure with DIS optical flow. `masks`: 1 where a frame shows the subject; soft edges count for neither."""
    flow_of = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    grey = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in frames]
    rows = []
    for before, after, mask in zip(grey, grey[1:], masks, strict=False):
        length = np.linalg.norm(flow_of.calc(before, after, np.empty(0, np.float32)), axis=2)
        near, far = cv2.erode(mask, np.ones((9, 9))) > 0.95, cv2.dilate(mask, np.ones((25, 25))) < 0.05
        rows.append((length[near].mean(), length[far].mean(), length.mean()))
    columns = np.array(rows).T
    return Motion(columns[0], columns[1], columns[2])


def subject_masks(scene: Scene, path: Sequence[Pose]) -> list[NDArray[np.float32]]:
    """The subject's alpha in each frame: white laid over black."""
    layers = tuple(_painted(layer, 255 if layer.name == "subject" else 0) for layer in scene.layers)
    frames = OpenCvWarp(replace(scene, layers=layers))(path)
    return [np.divide(frame[..., 0], 255, dtype=np.float32) for frame in frames]


def least_coverage(scene: Scene, path: Sequence[Pose]) -> int:
    """The smallest coverage of any pixel of any frame, 255 = filled: every layer painted white over nothing."""
    layers = tuple(_painted(layer, 255) for layer in scene.layers)
    return min(int(frame.min()) for frame in OpenCvWarp(replace(scene, layers=layers))(path))


def psnr(one: Image, other: Image) -> float:
    """Decibels; infinite if equal."""
    error = float(np.mean((one.astype(np.float64) - other.astype(np.float64)) ** 2))
    return float("inf") if error == 0 else 10 * float(np.log10(255**2 / error))


def _painted(layer: Layer, grey: int) -> Layer:
    if layer.opaque:
        return replace(layer, pixels=np.full_like(layer.pixels, grey))
    alpha = layer.pixels[..., 3]
    colour = alpha if grey else np.zeros_like(alpha)
    return replace(layer, pixels=np.dstack((colour, colour, colour, alpha)))

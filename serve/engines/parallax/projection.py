"""Where a frame's pixels come from: the pinhole camera on a coarse grid."""

import math
from collections.abc import Sequence
from itertools import product

import cv2
import numpy as np
from numpy.typing import NDArray

from serve.engines.parallax.camera import Pose
from serve.engines.parallax.scene import CELL, Layer, Scene

Grid = NDArray[np.float32]
"""Rows x columns of cells that cover the frame and one cell more on each side."""

MAX_DISPARITY = 1.1


def grid_shape(width: int, height: int) -> tuple[int, int]:
    """Rows and columns of the coarse grid of a frame."""
    return -(-height // CELL) + 2, -(-width // CELL) + 2


def grid_points(width: int, height: int) -> tuple[Grid, Grid]:
    """x and y in frame pixels of the cells' centres."""
    rows, columns = grid_shape(width, height)
    x, y = np.meshgrid(np.arange(columns, dtype=np.float32), np.arange(rows, dtype=np.float32))
    return (x - 1) * CELL + (CELL - 1) / 2, (y - 1) * CELL + (CELL - 1) / 2


def project(pose: Pose, disparity: Grid, x: Grid, y: Grid, scene: Scene) -> tuple[Grid, Grid]:
    """The photo's pixel that the camera at `pose` sees at the frame's pixel (x, y), given its disparity."""
    side = math.sqrt(scene.width * scene.height)
    centre_x, centre_y = scene.centre
    cosine, sine = math.cos(pose.roll) / pose.zoom, math.sin(pose.roll) / pose.zoom
    right, down = x - np.float32(centre_x), y - np.float32(centre_y)
    scale = 1 - disparity * np.float32(pose.z)
    shift = disparity - np.float32(pose.pivot)
    from_x = (right * np.float32(cosine) - down * np.float32(sine)) * scale + shift * np.float32(pose.x * side)
    from_y = (right * np.float32(sine) + down * np.float32(cosine)) * scale + shift * np.float32(pose.y * side)
    return from_x + np.float32(centre_x), from_y + np.float32(centre_y)


class LayerProjection:
    """Backward maps of one layer, with its disparity carried along as the layer moves."""

    def __init__(self, scene: Scene, layer: Layer) -> None:
        self._scene = scene
        self._layer = layer
        self._x, self._y = grid_points(scene.width, scene.height)

    def __call__(self, pose: Pose) -> Grid:
        """Grid x 2: the pixel of `layer.pixels` that each cell's centre shows."""
        disparity = self._layer.disparity
        from_x, from_y = project(pose, disparity, self._x, self._y, self._scene)
        # The disparity belongs to the pixel seen, not to the place where it is seen: look again from there.
        there = [(axis - (CELL - 1) / 2) / CELL + 1 for axis in (from_x, from_y)]
        carried = cv2.remap(disparity, there[0], there[1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        from_x, from_y = project(pose, np.asarray(carried, np.float32), self._x, self._y, self._scene)
        margin = self._scene.margin
        return np.dstack((from_x + (margin - self._layer.left), from_y + (margin - self._layer.top)))


def needed_margin(path: Sequence[Pose], scene: Scene) -> int:
    """Pixels beyond the frame that a camera path can see, whatever the disparity."""
    corners = _corner_views(path, scene)
    over = [
        max(-float(x.min()), -float(y.min()), float(x.max()) - scene.width + 1, float(y.max()) - scene.height + 1)
        for x, y in corners
    ]
    return math.ceil(max(0.0, *over)) + 2


def reach(path: Sequence[Pose], scene: Scene) -> float:
    """How many pixels apart a path shows disparities 0 and 1, at most."""
    near_and_far = zip(_corner_views(path, scene, (1.0,)), _corner_views(path, scene, (0.0,)), strict=True)
    return max(_farthest(near, far) for near, far in near_and_far)


def displacement(pose: Pose, scene: Scene) -> float:
    """How many pixels any of the picture has moved at most, seen from `pose`."""
    return _farthest(_corner_views([pose], scene)[0], _corner_views([Pose()], scene)[0])


def _farthest(one: tuple[Grid, Grid], other: tuple[Grid, Grid]) -> float:
    return float(np.hypot(one[0] - other[0], one[1] - other[1]).max())


def _corner_views(
    path: Sequence[Pose], scene: Scene, disparities: tuple[float, ...] = (0.0, MAX_DISPARITY)
) -> list[tuple[Grid, Grid]]:
    right, bottom = scene.width - 1.0, scene.height - 1.0
    corners = np.array(list(product((0.0, right), (0.0, bottom), disparities)), np.float32)
    x, y, disparity = corners[:, 0], corners[:, 1], corners[:, 2]
    return [project(pose, disparity, x, y, scene) for pose in path]

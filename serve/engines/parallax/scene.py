"""What a photo becomes: layers with depth, far to near, on a canvas a little larger than the frame."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

CELL = 8
"""Side in pixels of a cell of the coarse grids that disparity and motion live on: both are smooth within a layer."""


@dataclass(frozen=True)
class Layer:
    """One sheet of the scene.

    `pixels`: the part of the canvas that holds it, height x width x 3, or x 4 with colours premultiplied by alpha.
    `left`, `top`: where that part lies on the canvas, in pixels.
    `disparity`: coarse grid of the frame (see `projection.grid_shape`), 0 = infinity, 1 = the subject's plane.
    """

    name: str
    pixels: NDArray[np.uint8]
    disparity: NDArray[np.float32]
    left: int = 0
    top: int = 0

    @property
    def opaque(self) -> bool:
        return int(self.pixels.shape[2]) == 3


@dataclass(frozen=True)
class Scene:
    """A frame of `width` x `height` pixels whose canvas reaches `margin` pixels beyond it on each side.

    `layers`: far to near; the first is opaque and covers the whole canvas.
    `centre`: the point (in frame pixels) that a dolly moves towards.
    """

    width: int
    height: int
    margin: int
    centre: tuple[float, float]
    layers: tuple[Layer, ...]

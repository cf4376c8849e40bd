"""Warp layers into a frame on the CPU; `torch_warp` does the same on a GPU, equal within two grey levels."""

from collections.abc import Callable, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from serve.engines.parallax.camera import Pose
from serve.engines.parallax.projection import Grid, LayerProjection
from serve.engines.parallax.scene import CELL, Layer, Scene

Image = NDArray[np.uint8]
Warp = Callable[[Sequence[Pose]], list[Image]]
"""From camera poses to frames, height x width x 3."""

_NO_MAP: NDArray[np.float32] = np.empty(0, np.float32)


def warp_on(device: str, scene: Scene) -> Warp:
    """The body for `device`; torch is imported only for another device than `cpu`."""
    if device == "cpu":
        return OpenCvWarp(scene)
    from serve.engines.parallax.torch_warp import TorchWarp

    return TorchWarp(scene, device)


class OpenCvWarp:
    """Fixed-point remap, and alpha compositing within the cells that a layer touches."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._layers = [(layer, LayerProjection(scene, layer)) for layer in scene.layers]

    def __call__(self, poses: Sequence[Pose]) -> list[Image]:
        return [self._frame(pose) for pose in poses]

    def _frame(self, pose: Pose) -> Image:
        frame: Image = np.empty((self._scene.height, self._scene.width, 3), np.uint8)
        for layer, projection in self._layers:
            self._draw(frame, layer, projection(pose))
        return frame

    def _draw(self, frame: Image, layer: Layer, grid: Grid) -> None:
        rows, columns = _touched_cells(grid, layer)
        if rows.start >= rows.stop or columns.start >= columns.stop:
            return
        window = frame[_pixels(rows, self._scene.height), _pixels(columns, self._scene.width)]
        positions = _upsampled(grid[rows, columns], rows, columns, window.shape[:2])
        whole, fraction = cv2.convertMaps(positions, _NO_MAP, cv2.CV_16SC2)
        seen = cv2.remap(layer.pixels, whole, fraction, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
        if layer.opaque:
            window[:] = seen
        else:
            window[:] = _over(np.asarray(seen, np.uint8), window)


def _over(layer: Image, below: Image) -> Image:
    """Premultiplied RGBA over RGB."""
    hidden = cv2.bitwise_not(cv2.extractChannel(layer, 3))
    behind = cv2.multiply(below, cv2.merge((hidden, hidden, hidden)), scale=1 / 255)
    return np.asarray(cv2.add(behind, cv2.cvtColor(layer, cv2.COLOR_RGBA2RGB)), np.uint8)


def _touched_cells(grid: Grid, layer: Layer) -> tuple[slice, slice]:
    """Rows and columns of the grid that show any of the layer, and one cell more on each side."""
    height, width = layer.pixels.shape[:2]
    x, y = grid[..., 0], grid[..., 1]
    inside = (x > -1 - CELL) & (x < width + CELL) & (y > -1 - CELL) & (y < height + CELL)
    return _span(inside.any(axis=1)), _span(inside.any(axis=0))


def _span(touched: NDArray[np.bool_]) -> slice:
    indices = np.flatnonzero(touched)
    if not len(indices):
        return slice(0, 0)
    return slice(max(int(indices[0]) - 1, 0), min(int(indices[-1]) + 2, len(touched)))


def _pixels(cells: slice, side: int) -> slice:
    """The frame's pixels between the centres of the first and the last cell; whole cells, for simplicity."""
    return slice(max((cells.start) * CELL, 0), min((cells.stop - 2) * CELL, side))


def _upsampled(grid: Grid, rows: slice, columns: slice, shape: tuple[int, ...]) -> Grid:
    """The grid's values at each pixel of the inner cells."""
    size = ((columns.stop - columns.start) * CELL, (rows.stop - rows.start) * CELL)
    fine = cv2.resize(grid, size, interpolation=cv2.INTER_LINEAR)
    return np.asarray(fine[CELL : CELL + shape[0], CELL : CELL + shape[1]], np.float32)

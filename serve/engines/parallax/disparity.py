"""From the depth network's answer to smooth disparities of layers."""

import cv2
import numpy as np
from numpy.typing import NDArray

from serve.engines.parallax.filters import Map, fill_smoothly, guided_filter, limit_slope
from serve.engines.parallax.projection import MAX_DISPARITY, grid_points, grid_shape
from serve.engines.parallax.scene import CELL

_BACKGROUND_MEAN = 0.5
_FARTHEST = 0.08
_RELIEF, _RELIEF_RANGE = 0.35, 0.08
_MAX_STRETCH = 0.3
"""How much a layer's own depth may stretch or squeeze its picture."""


def refine(photo: NDArray[np.uint8], inverse_depth: Map) -> Map:
    """Inverse depth at the photo's size, with the photo's edges."""
    height, width = photo.shape[:2]
    rough = cv2.resize(inverse_depth, (width, height), interpolation=cv2.INTER_CUBIC)
    return guided_filter(photo, np.asarray(rough, np.float32), radius=(width * height) ** 0.5 / 40, epsilon=1e-3)


def relative(inverse_depth: Map, subject: Map | None) -> Map:
    """Disparity relative to the subject's (or, without one, to the nearest parts'): 0 = infinity, 1 = subject.

    A network's depth is right up to scale and shift. They are chosen so that the farthest part of the
    photo is nearly at infinity, and what lies around the subject keeps at most half its disparity on average.
    """
    far, near = np.percentile(inverse_depth, (1, 96))
    if subject is not None:
        near = float(np.median(inverse_depth[subject > 0.5]))
    spread = max(float(near - far), 0.05 * float(near))
    disparity = np.clip(_FARTHEST + (1 - _FARTHEST) * (inverse_depth - far) / spread, _FARTHEST, MAX_DISPARITY)
    around = np.ones_like(disparity) if subject is None else 1 - subject
    mean = float(np.average(disparity, weights=around))
    if mean > _BACKGROUND_MEAN:
        power = np.clip(np.log(_BACKGROUND_MEAN) / np.log(min(mean, 0.99)), 1, 2.5)
        disparity = disparity**power
        mean = float(np.average(disparity, weights=around))
        disparity = disparity * min(1.0, _BACKGROUND_MEAN / mean)
    return np.asarray(disparity, np.float32)


def background(disparity: Map, known: Map, reach: float) -> Map:
    """Coarse disparity of what lies behind: spread from where `known`, smooth enough not to tear."""
    return _smooth(_on_grid(fill_smoothly(disparity, known)), reach, _MAX_STRETCH)


def flattened(inverse_depth: Map, alpha: Map, reach: float) -> Map:
    """Coarse disparity of a thing that stands out: 1, with a hint of its own relief."""
    inside = (alpha > 0.9).astype(np.float32)
    level = max(float(np.median(inverse_depth[alpha > 0.5])), 1e-6)
    relief = np.clip(_RELIEF * (inverse_depth / level - 1), -_RELIEF_RANGE, _RELIEF_RANGE)
    return _smooth(_on_grid(fill_smoothly(1 + relief.astype(np.float32), inside)), reach, _MAX_STRETCH / 4)


def rigid(width: int, height: int) -> Map:
    """Coarse disparity of a person: 1, without any relief, so that a face keeps its shape."""
    return np.ones(grid_shape(width, height), np.float32)


def _smooth(grid: Map, reach: float, stretch: float) -> Map:
    """`reach`: pixels that the camera's path puts between disparities 0 and 1."""
    limited = limit_slope(grid, stretch / max(reach, 1.0) * CELL)
    return np.asarray(cv2.GaussianBlur(limited, (0, 0), 1.5, borderType=cv2.BORDER_REPLICATE), np.float32)


def _on_grid(image: Map) -> Map:
    """A frame-sized map at the coarse grid's points, continued flat beyond the frame."""
    height, width = image.shape
    x, y = grid_points(width, height)
    rows, columns = grid_shape(width, height)
    blurred = cv2.blur(image, (7, 7), borderType=cv2.BORDER_REPLICATE)
    sampled = cv2.remap(blurred, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(sampled.reshape(rows, columns), np.float32)

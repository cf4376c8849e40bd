"""Whether what the networks say of a photo can be believed: of skies, pages, drawings and noise they only guess."""

import cv2
import numpy as np
from numpy.typing import NDArray

from serve.engines.parallax.filters import Map

__all__ = ["has_depth", "is_decided"]

_FLAT, _FLAT_IF_DRAWN = 1.55, 2.0
"""Of 21 pictures, the nearest parts of every flat one came out as up to 1.45 times as near as its farthest, those of
every photo with room in it as at least 1.77 times. Some dense pages come out as more."""
_DRAWN = 0.55
"""Share of neighbours that are exactly equal: of pages and drawings at least 0.63, of photos at most 0.45."""
_DOUBTFUL = 0.6
_INSIDE, _OUTSIDE = 0.9, 0.1


def has_depth(photo: NDArray[np.uint8], inverse_depth: Map) -> bool:
    """Whether the depth network clearly sees room in the photo, and not one flat thing."""
    far, near = np.percentile(inverse_depth, (1, 96))
    return bool(near > (_FLAT_IF_DRAWN if _is_drawn(photo) else _FLAT) * far)


def _is_drawn(photo: NDArray[np.uint8]) -> bool:
    """Whether most of the picture is of even colours, as no lens makes them."""
    grey = cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY)
    return float(np.mean(grey[:, 1:] == grey[:, :-1])) > _DRAWN


def is_decided(matte: Map) -> bool:
    """Whether what is neither inside nor outside is little beside what is inside: a border, and no fog."""
    undecided = np.count_nonzero((matte > _OUTSIDE) & (matte < _INSIDE))
    return bool(undecided <= _DOUBTFUL * np.count_nonzero(matte > 0.5))

"""The photo's subject: which matte to believe, and what to mend in it."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from serve.engines.parallax.filters import Map, guided_filter, smoothstep
from serve.engines.parallax.readable import is_decided

_AGREEMENT = 0.8
_SMALLEST, _LARGEST = 0.004, 0.9
_SOFT, _FIRM = (0.08, 0.92), (0.25, 0.75)
"""What becomes transparent and what opaque: hair stays soft, the salient network's doubts do not."""


@dataclass(frozen=True)
class Subject:
    """What stands out: `alpha`, height x width in 0..1, and whether it is probably a person."""

    alpha: Map
    is_person: bool


def choose_subject(photo: NDArray[np.uint8], salient: Map, portrait: Map) -> Subject | None:
    """The photo's subject, or None if nothing stands out, or the salient network cannot decide what does.

    The portrait network is finer, but means something only on people: it is believed when both agree.
    """
    is_person = _overlap(salient, portrait) >= _AGREEMENT
    if not is_person and not is_decided(salient):
        return None
    chosen = np.maximum(portrait, _core(salient)) if is_person else salient
    mended = _without_specks(_without_holes(chosen))
    refined = guided_filter(photo, mended, radius=_side(photo) / 100, epsilon=1e-4)
    alpha = smoothstep(*(_SOFT if is_person else _FIRM), refined)
    return Subject(alpha, is_person) if _SMALLEST <= float((alpha > 0.5).mean()) <= _LARGEST else None


def _overlap(one: Map, other: Map) -> float:
    inside_one, inside_other = one > 0.5, other > 0.5
    union = np.count_nonzero(inside_one | inside_other)
    return float(np.count_nonzero(inside_one & inside_other) / union) if union else 0.0


def _core(alpha: Map) -> Map:
    side = 2 * round(_side(alpha) / 80) + 1
    return np.asarray(cv2.erode(alpha, np.ones((side, side), np.uint8)), np.float32)


def _without_holes(alpha: Map) -> Map:
    """Small transparent spots within the subject are mistakes of the matting."""
    outlines, _ = cv2.findContours((alpha < 0.5).astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    holes = np.zeros(alpha.shape, np.uint8)
    for outline in outlines:
        if cv2.contourArea(outline) < 0.003 * alpha.size and not _touches_border(np.asarray(outline), alpha):
            cv2.drawContours(holes, [outline], -1, 1, thickness=cv2.FILLED)
    return np.where(cv2.dilate(holes, np.ones((5, 5), np.uint8)) > 0, np.float32(1), alpha)


def _touches_border(outline: NDArray[np.generic], alpha: Map) -> bool:
    x, y, width, height = cv2.boundingRect(outline.astype(np.int32))
    return x == 0 or y == 0 or x + width == alpha.shape[1] or y + height == alpha.shape[0]


def _without_specks(alpha: Map) -> Map:
    """Keep connected parts of at least a tenth of the largest one."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats((alpha > 0.1).astype(np.uint8))
    areas = stats[1:, cv2.CC_STAT_AREA]
    if not len(areas):
        return alpha
    kept = np.concatenate(([False], areas >= areas.max() / 10))
    return np.where(kept[labels], alpha, np.float32(0))


def _side(image: NDArray[np.generic]) -> float:
    return float(np.sqrt(image.shape[0] * image.shape[1]))

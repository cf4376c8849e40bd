"""Split what is behind the subject into near and far where its depth has a clear gap."""

import numpy as np
from numpy.typing import NDArray

from serve.engines.parallax.filters import Map, blur, fill_smoothly, guided_filter, smoothstep

_BINS = 64
_CLEAR_GAP, _EXPLAINED = 0.3, 0.75
_REAL_EDGE = 40
"""Grey levels between the colours on both sides of an edge that the photo shows, too."""
_SMALLEST, _LARGEST = 0.08, 0.75
_SOFTNESS = 0.06


def near_matte(photo: NDArray[np.uint8], disparity: Map, known: Map) -> Map | None:
    """Alpha of the near part, 0..1, or None if there is no clear gap.

    `disparity` is looked at where `known` (weights 0..1); elsewhere, behind the subject, the matte is continued.
    The gap is clear if two groups, split at Otsu's threshold, lie far apart and explain most of the variance, and if
    the photo has an edge there, too: a network's depth alone also jumps where nothing does.
    """
    threshold, gap, explained = _otsu(disparity, known)
    if gap < _CLEAR_GAP or explained < _EXPLAINED:
        return None
    rough = smoothstep(threshold - _SOFTNESS, threshold + _SOFTNESS, disparity)
    radius = float(np.sqrt(disparity.size)) / 30
    alpha = smoothstep(0.2, 0.8, guided_filter(photo, fill_smoothly(rough, known), radius, epsilon=1e-4))
    if not _SMALLEST <= float(np.average(alpha, weights=known)) <= _LARGEST:
        return None
    return alpha if _contrast(photo, alpha, known) >= _REAL_EDGE else None


def _contrast(photo: NDArray[np.uint8], alpha: Map, known: Map) -> float:
    """The median distance in colour between the matte's two sides, along its edge."""
    edge = (np.abs(alpha - 0.5) < 0.3) & (known > 0.5)
    if not edge.any():
        return 0.0
    radius, opacity = float(np.sqrt(alpha.size)) / 60, alpha[..., None]
    share = blur(alpha, radius)[..., None]
    near = blur(photo * opacity, radius) / (share + 1e-3)
    far = blur(photo * (1 - opacity), radius) / (1 - share + 1e-3)
    return float(np.median(np.linalg.norm(near - far, axis=2)[edge]))


def _otsu(values: Map, weights: Map) -> tuple[float, float, float]:
    """The threshold of two groups, how far apart their means are, and the share of the variance between them."""
    counts, edges = np.histogram(values, bins=_BINS, weights=weights)
    centres = (edges[:-1] + edges[1:]) / 2
    share = np.clip(np.cumsum(counts)[:-1] / max(counts.sum(), 1e-9), 1e-6, 1 - 1e-6)
    moments = np.cumsum(counts * centres)[:-1] / max(counts.sum(), 1e-9)
    mean = float(np.average(centres, weights=counts))
    between = (mean * share - moments) ** 2 / (share * (1 - share))
    best = int(between.argmax())
    total = float(np.average((centres - mean) ** 2, weights=counts))
    low, high = moments[best] / share[best], (mean - moments[best]) / (1 - share[best])
    return float(edges[best + 1]), float(high - low), float(between[best]) / max(total, 1e-9)

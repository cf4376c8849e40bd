"""Image filters that taking a photo apart needs."""

import cv2
import numpy as np
from numpy.typing import NDArray

Map = NDArray[np.float32]
"""Height x width."""


def blur(image: Map, radius: float) -> Map:
    """Box mean over a square of `radius` pixels to each side; also of several channels."""
    side = 2 * max(round(radius), 1) + 1
    return np.asarray(cv2.blur(image, (side, side), borderType=cv2.BORDER_REFLECT), np.float32)


def dilate(image: Map, radius: float) -> Map:
    """The maximum over a disc."""
    side = 2 * max(round(radius), 1) + 1
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    return np.asarray(cv2.dilate(image, disc), np.float32)


def smoothstep(low: float, high: float, value: Map) -> Map:
    """0 below `low`, 1 above `high`, smooth between."""
    t = np.clip((value - low) / (high - low), 0, 1)
    return np.asarray(t * t * (3 - 2 * t), np.float32)


def guided_filter(guide: NDArray[np.uint8], image: Map, radius: float, epsilon: float) -> Map:
    """Smooth `image` with the edges of the RGB photo `guide`. He et al., "Guided Image Filtering", 2010, in colour."""
    colour = np.asarray(guide, np.float32) / np.float32(255)
    mean_colour, mean_image = blur(colour, radius), blur(image, radius)
    covariance = blur(colour * image[..., None], radius) - mean_colour * mean_image[..., None]
    products = blur(
        (colour[..., :, None] * colour[..., None, :]).reshape(*image.shape, 9)[..., [0, 1, 2, 4, 5, 8]], radius
    )
    variance = products[..., [0, 1, 2, 1, 3, 4, 2, 4, 5]].reshape(*image.shape, 3, 3)
    variance = variance - mean_colour[..., :, None] * mean_colour[..., None, :] + epsilon * np.eye(3, dtype=np.float32)
    slope = np.linalg.solve(variance, covariance[..., None])[..., 0]
    offset = mean_image - (slope * mean_colour).sum(axis=-1)
    return np.asarray((blur(slope, radius) * colour).sum(axis=-1) + blur(offset, radius), np.float32)


def fill_smoothly(image: Map, known: Map) -> Map:
    """Values where `known` (weights 0..1) is small, spread from where it is large: a pyramid of weighted means."""
    height, width = image.shape
    if min(height, width) <= 2:
        mean = float((image * known).sum() / max(float(known.sum()), 1e-6))
        return known * image + (1 - known) * mean
    half = (max(width // 2, 1), max(height // 2, 1))
    weight = cv2.resize(known, half, interpolation=cv2.INTER_AREA)
    value = cv2.resize(image * known, half, interpolation=cv2.INTER_AREA) / np.maximum(weight, 1e-6)
    below = fill_smoothly(value.astype(np.float32), np.minimum(weight * 2, 1).astype(np.float32))
    spread = cv2.resize(below, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(known * image + (1 - known) * spread, np.float32)


def limit_slope(image: Map, slope: float) -> Map:
    """The mean of the tightest bounds above and below `image` whose slope is nowhere over `slope` per pixel."""
    above = _bounded_above(image, slope)
    below = -_bounded_above(-image, slope)
    return np.asarray((above + below) / 2, np.float32)


def _bounded_above(image: Map, slope: float) -> Map:
    square, cross = (
        cv2.getStructuringElement(cv2.MORPH_RECT, (3, 3)),
        cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3)),
    )
    bound = image
    while True:
        straight = cv2.dilate(bound, cross) - np.float32(slope)
        diagonal = cv2.dilate(bound, square) - np.float32(slope * 2**0.5)
        higher = np.maximum(bound, np.maximum(straight, diagonal))
        if np.allclose(higher, bound, atol=1e-4):
            return np.asarray(higher, np.float32)
        bound = higher

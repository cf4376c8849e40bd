"""How likely a picture is to be sexually explicit.

open_nsfw: a thin ResNet-50, J. Mahadeokar and G. Pesavento, "Open Sourcing a Deep Learning Solution for Detecting
NSFW Images", Yahoo 2016 (BSD-2-Clause). Knows nothing of violence, of age, or of who is shown.
"""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from serve.models._onnx import OnnxNetwork

__all__ = ["UnsafeContentNetwork"]

_RESIZED, _CROPPED = 256, 224
_MEAN_BGR = np.array([104, 117, 123], np.float32)


class UnsafeContentNetwork:
    """Scores RGB pictures of any size; 0 is harmless, 1 explicit."""

    def __init__(self, weights: Path, threads: int = 0) -> None:
        self._network = OnnxNetwork(weights, threads)

    def score(self, rgb: NDArray[np.uint8]) -> float:
        """The probability, 0..1, for one picture, height x width x 3."""
        return self.scores([rgb])[0]

    def scores(self, pictures: Sequence[NDArray[np.uint8]]) -> list[float]:
        """The probability for each picture; they may differ in size."""
        batch = np.stack([_prepared(picture) for picture in pictures])
        return [float(explicit) for explicit in self._network.run(batch)[:, 1]]


def _prepared(rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
    """224 x 224 x 3, BGR less the mean, as the network was trained: squeezed to a square, cropped, coded as JPEG."""
    margin = (_RESIZED - _CROPPED) // 2
    box = (margin, margin, margin + _CROPPED, margin + _CROPPED)
    small = Image.fromarray(rgb).resize((_RESIZED, _RESIZED), Image.Resampling.BILINEAR).crop(box)
    coded = BytesIO()
    small.save(coded, "JPEG")
    pixels = np.asarray(Image.open(coded), np.float32)
    return np.ascontiguousarray(pixels[:, :, ::-1] - _MEAN_BGR)

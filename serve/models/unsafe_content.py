"""How unsafe a picture looks: Yahoo's open_nsfw (ResNet-50 thin, 2016), one score between 0 and 1."""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from serve.models._onnx import OnnxNetwork

__all__ = ["UnsafeContentNetwork"]

_RESIZED, _SIDE = 256, 224
_MEAN_BGR = np.array([104, 117, 123], np.float32)


class UnsafeContentNetwork:
    """Holds the network. Input 1 x 224 x 224 x 3, BGR less the training mean; output (safe, unsafe)."""

    def __init__(self, weights: Path, threads: int = 1) -> None:
        """Load ``weights`` to run on ``threads`` threads."""
        self._network = OnnxNetwork(weights, threads)

    def score(self, rgb: NDArray[np.uint8]) -> float:
        """The probability that a picture (height x width x 3) is unsafe."""
        resized = cv2.resize(rgb, (_RESIZED, _RESIZED), interpolation=cv2.INTER_AREA)
        edge = (_RESIZED - _SIDE) // 2
        centre = resized[edge : edge + _SIDE, edge : edge + _SIDE, ::-1].astype(np.float32) - _MEAN_BGR
        return float(self._network.run(centre[None])[0, 1])

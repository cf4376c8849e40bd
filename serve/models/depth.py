"""Depth from one photo.

FastDepth: Wofk et al., "FastDepth: Fast Monocular Depth Estimation on Embedded Systems", ICRA 2019 (MIT).
"""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from serve.models._onnx import OnnxNetwork, to_batch

_SIDE = 224
_NEAREST_METRES = 0.2


class FastDepth:
    """Estimates inverse depth; knows nothing of edges finer than its 224 x 224 input."""

    def __init__(self, weights: Path, threads: int = 0) -> None:
        self._network = OnnxNetwork(weights, threads)

    def __call__(self, photo: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Inverse depth in 1/metre, 224 x 224, of an RGB photo of any size; the mean over a mirrored pair."""
        resized = cv2.resize(photo, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
        small = np.divide(resized, 255, dtype=np.float32)
        plain = self._network.run(to_batch(small))[0, 0]
        mirrored = self._network.run(to_batch(small[:, ::-1]))[0, 0, :, ::-1]
        metres: NDArray[np.float32] = np.maximum((plain + mirrored) / 2, _NEAREST_METRES)
        return np.float32(1) / metres

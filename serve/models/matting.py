"""Alpha mattes of a photo's subject.

U2-Net: Qin et al., "U2-Net: Going Deeper with Nested U-Structure for Salient Object Detection", 2020 (Apache-2.0).
MODNet: Ke et al., "MODNet: Real-Time Trimap-Free Portrait Matting via Objective Decomposition", 2022 (Apache-2.0).
"""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from serve.models._onnx import OnnxNetwork, to_batch

_U2NET_SIDE = 320
_MODNET_SIDE, _MODNET_STRIDE = 512, 32
_IMAGENET_MEAN = np.array([0.485, 0.456, 0.406], np.float32)
_IMAGENET_STD = np.array([0.229, 0.224, 0.225], np.float32)


class SalientMatting:
    """U2-Net (small): whatever stands out."""

    def __init__(self, weights: Path, threads: int = 0) -> None:
        self._network = OnnxNetwork(weights, threads)

    def __call__(self, photo: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Alpha in 0..1, of the photo's size."""
        small = cv2.resize(photo, (_U2NET_SIDE, _U2NET_SIDE), interpolation=cv2.INTER_AREA)
        scaled = np.divide(small, max(int(small.max()), 1), dtype=np.float32)
        alpha = self._network.run(to_batch((scaled - _IMAGENET_MEAN) / _IMAGENET_STD))[0, 0]
        return _resized(alpha, photo)


class PortraitMatting:
    """MODNet: people, with hair. On a photo without people its answer means nothing."""

    def __init__(self, weights: Path, threads: int = 0) -> None:
        self._network = OnnxNetwork(weights, threads)

    def __call__(self, photo: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Alpha in 0..1, of the photo's size."""
        height, width = photo.shape[:2]
        scale = _MODNET_SIDE / min(height, width)
        size = (_on_stride(width * scale), _on_stride(height * scale))
        small = cv2.resize(photo, size, interpolation=cv2.INTER_AREA)
        alpha = self._network.run(to_batch(np.divide(small, 127.5, dtype=np.float32) - 1))[0, 0]
        return _resized(alpha, photo)


def _on_stride(side: float) -> int:
    return max(round(side / _MODNET_STRIDE), 1) * _MODNET_STRIDE


def _resized(alpha: NDArray[np.float32], photo: NDArray[np.uint8]) -> NDArray[np.float32]:
    height, width = photo.shape[:2]
    resized = cv2.resize(alpha, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.clip(resized, 0, 1).astype(np.float32)

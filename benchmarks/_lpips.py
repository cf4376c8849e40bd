"""LPIPS, the learned perceptual distance of two pictures: 0 for the same, about 0.7 for unlike ones."""

import torch
from torch import Tensor
from torch.nn import functional

from benchmarks import _networks
from tests.unit.engines.measures import Image

_SHIFT, _SCALE = (-0.030, -0.088, -0.188), (0.458, 0.448, 0.450)
"""The mean and the deviation of the pictures that AlexNet was trained with, between -1 and 1."""
_LEAST_NORM = 1e-10


class Lpips:
    """Zhang et al. 2018, version 0.1: squared differences of the directions of AlexNet's five layers, weighted."""

    def __init__(self) -> None:
        held = _networks.load("perceptual_distance")
        self._layers, self._pooled, self._weights = held["trunk"], held["pool_before"], held["lin"]

    @torch.inference_mode()
    def __call__(self, one: Image, other: Image) -> float:
        """The distance of two RGB pictures of the same size, of at least 32 x 32 pixels."""
        pairs = zip(self._features(one), self._features(other), self._weights, strict=True)
        return sum(float(functional.conv2d((a - b) ** 2, weight).mean()) for a, b, weight in pairs)

    def _features(self, picture: Image) -> list[Tensor]:
        signal = torch.tensor(picture).permute(2, 0, 1)[None] / 127.5 - 1
        signal = (signal - torch.tensor(_SHIFT)[:, None, None]) / torch.tensor(_SCALE)[:, None, None]
        features = []
        for layer, pooled in zip(self._layers, self._pooled, strict=True):
            if pooled:
                signal = functional.max_pool2d(signal, kernel_size=3, stride=2)
            signal = functional.conv2d(
                signal, layer["weight"], layer["bias"], stride=layer["stride"], padding=layer["padding"]
            ).relu()
            features.append(signal / (signal.norm(dim=1, keepdim=True) + _LEAST_NORM))
        return features

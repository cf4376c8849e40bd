"""Fill holes in a photo.

MI-GAN: Sargsyan et al., "MI-GAN: A Simple Baseline for Image Inpainting on Mobile Devices", ICCV 2023 (MIT).
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from serve.models._onnx import OnnxNetwork


class MiGan:
    """Paints what could be where the photo is not known."""

    def __init__(self, weights: Path, threads: int = 0) -> None:
        self._network = OnnxNetwork(weights, threads)

    def __call__(self, photo: NDArray[np.uint8], hole: NDArray[np.bool_]) -> NDArray[np.uint8]:
        """The RGB `photo` with `hole` (height x width) filled and every other pixel as it was."""
        if not hole.any():
            return photo.copy()
        keep = np.where(hole, 0, 255).astype(np.uint8)[None, None]
        batch = np.ascontiguousarray(photo.transpose(2, 0, 1)[None])
        filled = self._network.run(batch, keep)[0].transpose(1, 2, 0)
        return np.where(hole[..., None], filled, photo).astype(np.uint8)

"""Warp layers into frames on a GPU: projected, sampled and composited in whole batches, without leaving it."""

import math
from collections.abc import Sequence

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from serve.engines.parallax.camera import Pose
from serve.engines.parallax.projection import grid_points
from serve.engines.parallax.scene import CELL, Layer, Scene

__all__ = ["TorchWarp"]

_SUBPIXELS = cv2.INTER_TAB_SIZE
"""Positions within a pixel that OpenCV's fixed-point remap tells apart, per axis; this body does the same."""


class TorchWarp:
    """`grid_sample` of whole batches. Meant for a GPU; on `cpu` it gives the same, slowly."""

    def __init__(self, scene: Scene, device: str) -> None:
        self._scene = scene
        self._device = torch.device(device)
        self._layers = [_TorchLayer(scene, layer, self._device) for layer in scene.layers]

    def __call__(self, poses: Sequence[Pose]) -> list[NDArray[np.uint8]]:
        """Frames, height x width x 3, each the caller's own."""
        with torch.inference_mode():
            frames = self._frames(_Views(poses, self._scene, self._device))
            coded = frames.clamp_(0, 255).to(torch.uint8).permute(0, 2, 3, 1)
            return list(_to_host(coded.contiguous()).numpy())

    def _frames(self, views: "_Views") -> torch.Tensor:
        first, *others = self._layers
        frames = first.seen(views)
        for layer in others:
            seen = layer.seen(views)
            frames = frames.mul_(1 - seen[:, 3:] / 255).round_().add_(seen[:, :3])
        return frames


class _Views:
    """What `projection.project` needs of each pose, poses x 1 x 1."""

    def __init__(self, poses: Sequence[Pose], scene: Scene, device: torch.device) -> None:
        side = math.sqrt(scene.width * scene.height)
        rows = [
            (math.cos(p.roll) / p.zoom, math.sin(p.roll) / p.zoom, p.z, p.pivot, p.x * side, p.y * side) for p in poses
        ]
        columns = torch.tensor(rows, dtype=torch.float32, device=device).T[..., None, None]
        self.cosine, self.sine, self.z, self.pivot, self.x, self.y = columns
        self.count = len(rows)


class _TorchLayer:
    """One layer's pixels and disparity on the device, and `projection.LayerProjection` for many poses at once."""

    def __init__(self, scene: Scene, layer: Layer, device: torch.device) -> None:
        x, y = grid_points(scene.width, scene.height)
        self._height, self._width = scene.height, scene.width
        self._right = torch.from_numpy(x - np.float32(scene.centre[0])).to(device)
        self._down = torch.from_numpy(y - np.float32(scene.centre[1])).to(device)
        self._centre = scene.centre
        self._origin = (scene.margin - layer.left, scene.margin - layer.top)
        self._disparity = torch.from_numpy(np.ascontiguousarray(layer.disparity)).to(device)
        self._pixels = torch.from_numpy(layer.pixels).to(device).permute(2, 0, 1)[None].float()

    def seen(self, views: _Views) -> torch.Tensor:
        """Poses x 3 (or 4) x height x width: what each view shows of the layer, 0 to 255, whole numbers."""
        return _sampled(self._pixels, self._fine(self._positions(views)), "zeros").round_()

    def _positions(self, views: _Views) -> torch.Tensor:
        """Poses x 2 x rows x columns: the pixel of the layer that each cell's centre shows."""
        from_x, from_y = self._project(views, self._disparity)
        # The disparity belongs to the pixel seen, not to the place where it is seen: look again from there.
        there = torch.stack([from_x, from_y], 1).sub_((CELL - 1) / 2).div_(CELL).add_(1)
        carried = _sampled(self._disparity[None, None], there, "border")[:, 0]
        from_x, from_y = self._project(views, carried)
        return torch.stack([from_x + self._origin[0], from_y + self._origin[1]], 1)

    def _project(self, views: _Views, disparity: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        scale = 1 - disparity * views.z
        shift = disparity - views.pivot
        from_x = (self._right * views.cosine - self._down * views.sine) * scale + shift * views.x
        from_y = (self._right * views.sine + self._down * views.cosine) * scale + shift * views.y
        return from_x + self._centre[0], from_y + self._centre[1]

    def _fine(self, coarse: torch.Tensor) -> torch.Tensor:
        """Positions of each pixel, out of those of the cells."""
        fine = functional.interpolate(coarse, scale_factor=CELL, mode="bilinear", align_corners=False)
        return _in_subpixels(fine[:, :, CELL : CELL + self._height, CELL : CELL + self._width])


def _in_subpixels(positions: torch.Tensor) -> torch.Tensor:
    return (positions * _SUBPIXELS).round_().div_(_SUBPIXELS)


def _sampled(pixels: torch.Tensor, positions: torch.Tensor, beyond: str) -> torch.Tensor:
    """Bilinear samples of `pixels` (1 x channels x height x width) at `positions` (poses x 2 x rows x columns)."""
    height, width = pixels.shape[2:]
    size = positions.new_tensor([max(width - 1, 1), max(height - 1, 1)]).view(1, 2, 1, 1)
    normalised = (positions * 2 / size - 1).permute(0, 2, 3, 1)
    batch = pixels.expand(len(positions), -1, -1, -1)
    return functional.grid_sample(batch, normalised, padding_mode=beyond, align_corners=True)


def _to_host(frames: torch.Tensor) -> torch.Tensor:
    """A copy in the host's memory; page-locked where it comes from a GPU, which is several times as fast."""
    if frames.device.type != "cuda":
        return frames
    host = torch.empty(frames.shape, dtype=frames.dtype, pin_memory=True)
    return host.copy_(frames)

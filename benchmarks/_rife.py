"""RIFE 4.14: the frame between two others, by flow that a network estimates from coarse to fine."""

import re
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks import _networks
from tests.unit.engines.measures import Image

_CHANNELS, _SCALES = (192, 128, 96, 64), (8, 4, 2, 1)
"""Width of each of the four blocks, and by how much its input is shrunk."""
_FEATURES, _MULTIPLE = 8, 64
_FIRST_INPUT, _LATER_INPUT = 2 * (3 + _FEATURES) + 1, 2 * (3 + _FEATURES) + 1 + 1 + 4
"""Both pictures with their features and the instant; later the mask and the flow, too."""


def _resized(signal: Tensor, factor: float) -> Tensor:
    return functional.interpolate(signal, scale_factor=factor, mode="bilinear", align_corners=False)


def _convolution(inputs: int, outputs: int, stride: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, stride, 1), nn.LeakyReLU(0.2))


def _warped(picture: Tensor, flow: Tensor) -> Tensor:
    """What `picture` shows at each place's end of the flow, in pixels."""
    height, width = flow.shape[2:]
    rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    x = 2 * (columns + flow[:, 0]) / (width - 1) - 1
    y = 2 * (rows + flow[:, 1]) / (height - 1) - 1
    places = torch.stack((x, y), dim=-1)
    return functional.grid_sample(picture, places, mode="bilinear", padding_mode="border", align_corners=True)


class _Residual(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, 1, 1)
        self.beta = nn.Parameter(torch.ones(1, channels, 1, 1))

    def forward(self, signal: Tensor) -> Tensor:
        return functional.leaky_relu(self.conv(signal) * self.beta + signal, 0.2)


class _Features(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.cnn0 = nn.Conv2d(3, 32, 3, 2, 1)
        self.cnn1, self.cnn2 = (nn.Conv2d(32, 32, 3, 1, 1) for _ in range(2))
        self.cnn3 = nn.ConvTranspose2d(32, _FEATURES, 4, 2, 1)

    def forward(self, picture: Tensor) -> Tensor:
        signal = picture
        for convolution in (self.cnn0, self.cnn1, self.cnn2):
            signal = functional.leaky_relu(convolution(signal), 0.2)
        return cast(Tensor, self.cnn3(signal))


class _FlowBlock(nn.Module):
    def __init__(self, inputs: int, channels: int, scale: int) -> None:
        super().__init__()
        self._scale = scale
        self.conv0 = nn.Sequential(_convolution(inputs, channels // 2, 2), _convolution(channels // 2, channels, 2))
        self.convblock = nn.Sequential(*(_Residual(channels) for _ in range(8)))
        self.lastconv = nn.Sequential(nn.ConvTranspose2d(channels, 24, 4, 2, 1), nn.PixelShuffle(2))

    def forward(self, signal: Tensor, flow: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """A correction of the flow, and the mask anew."""
        signal = _resized(signal, 1 / self._scale)
        if flow is not None:
            signal = torch.cat((signal, _resized(flow, 1 / self._scale) / self._scale), 1)
        found = _resized(self.lastconv(self.convblock(self.conv0(signal))), self._scale)
        return found[:, :4] * self._scale, found[:, 4:5]


class _Network(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.encode = _Features()
        inputs = (_FIRST_INPUT, *[_LATER_INPUT] * 3)
        self.blocks = nn.ModuleList(map(_FlowBlock, inputs, _CHANNELS, _SCALES))

    def forward(self, one: Tensor, two: Tensor, instant: float) -> Tensor:
        """The picture at `instant`, 0 to 1, between both."""
        at = torch.full_like(one[:, :1], instant)
        features = self.encode(one), self.encode(two)
        first, *later = self.blocks
        flow: Tensor
        mask: Tensor
        flow, mask = first(torch.cat((one, two, *features, at), 1))
        for block in later:
            to_one, to_two = flow[:, :2], flow[:, 2:]
            pictures = _warped(one, to_one), _warped(two, to_two)
            moved = _warped(features[0], to_one), _warped(features[1], to_two)
            correction, mask = block(torch.cat((*pictures, *moved, at, mask), 1), flow)
            flow = flow + correction
        to_one, to_two = flow[:, :2], flow[:, 2:]
        return torch.lerp(_warped(two, to_two), _warped(one, to_one), mask.sigmoid())


class Rife:
    """The network with its authors' weights."""

    def __init__(self) -> None:
        held = _networks.load("frame_interpolation")
        names = (name.removeprefix("module.") for name in held)
        named = dict(zip((re.sub("^block", "blocks.", name) for name in names), held.values(), strict=True))
        self._network = _Network().eval()
        self._network.load_state_dict(named)

    @torch.inference_mode()
    def __call__(self, before: Image, after: Image, instant: float = 0.5) -> Image:
        """The RGB picture at `instant`, 0 to 1, between two of the same size."""
        height, width = before.shape[:2]
        between = self._network(_padded(before), _padded(after), instant)[0, :, :height, :width]
        return np.asarray((between.permute(1, 2, 0) * 255).round().clamp(0, 255).to(torch.uint8).numpy(), np.uint8)


def _padded(picture: Image) -> Tensor:
    """To whole multiples of what the coarsest block needs."""
    signal = torch.tensor(picture).permute(2, 0, 1)[None] / 255
    down, right = (-side % _MULTIPLE for side in signal.shape[2:])
    return functional.pad(signal, (0, right, 0, down), mode="replicate")

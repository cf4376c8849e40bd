"""Still pictures that show what a video holds."""

from collections.abc import Sequence
from io import BytesIO
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

__all__ = ["SPRITES", "contact_sheet", "spritesheet", "thumbnail"]

SPRITES = 16
"""How many frames a sprite sheet shows."""

_GAP, _PAPER = 8, 255


def thumbnail(rgb: NDArray[np.uint8], side: int = 512) -> bytes:
    """A WebP no longer than `side` on any side."""
    height, width = rgb.shape[:2]
    scale = min(1.0, side / max(height, width))
    return _coded(_resized(rgb, max(1, round(width * scale))), "WEBP", quality=82)


def spritesheet(frames: Sequence[NDArray[np.uint8]], columns: int = 4, tile_width: int = 240) -> bytes:
    """A JPEG of all frames, edge to edge, row by row."""
    return _coded(_grid(frames, columns, tile_width, gap=0), "JPEG", quality=85)


def contact_sheet(frames: Sequence[NDArray[np.uint8]], columns: int = 4, tile_width: int = 416) -> bytes:
    """A PNG of all frames on white, row by row."""
    return _coded(_grid(frames, columns, tile_width, _GAP), "PNG")


def _grid(frames: Sequence[NDArray[np.uint8]], columns: int, tile_width: int, gap: int) -> NDArray[np.uint8]:
    if not frames:
        raise ValueError("a sheet needs at least one frame")
    tiles = [_resized(frame, tile_width) for frame in frames]
    height, width = tiles[0].shape[:2]
    columns = min(columns, len(tiles))
    rows = -(-len(tiles) // columns)
    sheet = np.full((rows * (height + gap) + gap, columns * (width + gap) + gap, 3), _PAPER, np.uint8)
    for number, tile in enumerate(tiles):
        row, column = divmod(number, columns)
        top, left = gap + row * (height + gap), gap + column * (width + gap)
        sheet[top : top + height, left : left + width] = tile
    return sheet


def _resized(rgb: NDArray[np.uint8], width: int) -> NDArray[np.uint8]:
    height = max(1, round(rgb.shape[0] * width / rgb.shape[1]))
    return np.asarray(cv2.resize(rgb, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def _coded(rgb: NDArray[np.uint8], file_format: Literal["WEBP", "JPEG", "PNG"], **options: int) -> bytes:
    out = BytesIO()
    Image.fromarray(rgb).save(out, file_format, **options)
    return out.getvalue()

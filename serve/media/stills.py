"""Stills of a video: its thumbnail, the sprite sheet of a seek bar, and a contact sheet for people."""

from collections.abc import Sequence
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

__all__ = ["SPRITES", "contact_sheet", "spritesheet", "thumbnail"]

Pixels = NDArray[np.uint8]

SPRITES = 16
_THUMBNAIL_SIDE = 512
_TILE_WIDTH = 240
_COLUMNS = 4
_MARGIN = 6


def thumbnail(frame: Pixels) -> bytes:
    """A WebP of the frame, its longer side at most 512 pixels."""
    image = Image.fromarray(frame)
    image.thumbnail((_THUMBNAIL_SIDE, _THUMBNAIL_SIDE), Image.Resampling.LANCZOS)
    return _encoded(image, "WEBP", quality=85)


def spritesheet(frames: Sequence[Pixels]) -> bytes:
    """A JPEG of the frames, four in a row, each 240 pixels wide, without gaps."""
    return _encoded(_grid(frames, _TILE_WIDTH, _COLUMNS, 0), "JPEG", quality=85)


def contact_sheet(frames: Sequence[Pixels], columns: int = _COLUMNS, tile_width: int = 320) -> bytes:
    """A PNG of the frames with a little space between them, to be looked at."""
    return _encoded(_grid(frames, tile_width, columns, _MARGIN), "PNG")


def _grid(frames: Sequence[Pixels], tile_width: int, columns: int, margin: int) -> Image.Image:
    height, width = frames[0].shape[:2]
    tile = (tile_width, max(1, round(tile_width * height / width)))
    rows = -(-len(frames) // columns)
    step_x, step_y = tile[0] + margin, tile[1] + margin
    sheet = Image.new("RGB", (columns * step_x + margin, rows * step_y + margin), "white")
    for index, frame in enumerate(frames):
        place = (margin + index % columns * step_x, margin + index // columns * step_y)
        sheet.paste(Image.fromarray(frame).resize(tile, Image.Resampling.LANCZOS), place)
    return sheet


def _encoded(image: Image.Image, kind: str, **options: int) -> bytes:
    stream = BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()

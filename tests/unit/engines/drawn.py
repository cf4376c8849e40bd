"""Pictures that no network was trained on, drawn for tests: flat, dark or empty, each 400 x 640 x 3."""

from collections.abc import Callable, Mapping

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from tests.photos import Photo

__all__ = ["DRAWN"]

_WIDTH, _HEIGHT = 640, 400
_LINE, _PAGE = 80, "the camera moves gently over a page and no letter may be torn out of its line, " * 15


def blank() -> Photo:
    """One colour."""
    return np.full((_HEIGHT, _WIDTH, 3), (70, 120, 180), np.uint8)


def text() -> Photo:
    """A screenshot: a title bar and fifteen lines."""
    picture = Image.new("RGB", (_WIDTH, _HEIGHT), "white")
    draw, font = ImageDraw.Draw(picture), ImageFont.load_default(15)
    draw.rectangle((0, 0, _WIDTH, 36), fill=(40, 60, 110))
    draw.text((14, 8), "Inbox - 12 unread messages", "white", font)
    for line in range(15):
        draw.text((20, 48 + 23 * line), _PAGE[_LINE * line : _LINE * line + 75], (30, 30, 30), font)
    return np.asarray(picture)


def sky() -> Photo:
    """A gradient from blue to pink."""
    down = np.linspace(0, 1, _HEIGHT)[:, None, None]
    colours = np.array([60, 110, 190]) * (1 - down) + np.array([240, 200, 170]) * down
    return np.broadcast_to(colours.round().astype(np.uint8), (_HEIGHT, _WIDTH, 3)).copy()


def line_drawing() -> Photo:
    """A house and a tree in black lines on white."""
    picture = Image.new("RGB", (_WIDTH, _HEIGHT), "white")
    draw = ImageDraw.Draw(picture)
    draw.line((0, 300, _WIDTH, 300), "black", 3)
    draw.polygon([(180, 300), (180, 180), (260, 110), (340, 180), (340, 300)], outline="black", width=4)
    draw.rectangle((230, 230, 280, 300), outline="black", width=3)
    draw.line((420, 300, 420, 200), "black", 4)
    draw.ellipse((380, 130, 460, 210), outline="black", width=3)
    return np.asarray(picture)


def night() -> Photo:
    """Noise in the dark, and lights."""
    random = np.random.default_rng(0)
    picture = random.normal(14, 9, (_HEIGHT, _WIDTH, 3)).clip(0, 255).astype(np.uint8)
    for x, y in random.integers(0, (_WIDTH, _HEIGHT), (25, 2)).tolist():
        cv2.circle(picture, (x, y), 3, (230, 210, 150), -1)
    return picture


DRAWN: Mapping[str, Callable[[], Photo]] = {
    "blank": blank,
    "text": text,
    "sky": sky,
    "line_drawing": line_drawing,
    "night": night,
}

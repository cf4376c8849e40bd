"""Stills of a video: of the promised type and size, and of what the video shows."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from serve.media.stills import SPRITES, contact_sheet, spritesheet, thumbnail
from tests.photos import Photo, building, person
from tests.unit.media.pictures import psnr


def opened(data: bytes) -> tuple[str | None, Photo]:
    with Image.open(BytesIO(data)) as image:
        return image.format, np.asarray(image.convert("RGB"))


def grey(level: int) -> Photo:
    return np.full((120, 160, 3), level, np.uint8)


def test_a_thumbnail_is_the_picture_made_small() -> None:
    kind, pixels = opened(thumbnail(building(), side=320))
    assert (kind, pixels.shape) == ("WEBP", (214, 320, 3))
    assert psnr(pixels, np.asarray(Image.fromarray(building()).resize((320, 214)))) > 26


def test_a_small_picture_is_not_made_larger() -> None:
    assert opened(thumbnail(person()[:100, :100]))[1].shape == (100, 100, 3)


def test_sprites_lie_row_by_row_without_gaps() -> None:
    frames = [grey(10 * number) for number in range(SPRITES)]
    kind, sheet = opened(spritesheet(frames, columns=4, tile_width=80))
    assert (kind, sheet.shape) == ("JPEG", (4 * 60, 4 * 80, 3))
    centres = sheet[30::60, 40::80, 0].astype(int).ravel()
    assert np.abs(centres - 10 * np.arange(SPRITES)).max() <= 4


def test_a_contact_sheet_has_white_between_its_frames() -> None:
    kind, sheet = opened(contact_sheet([grey(0)] * 5, columns=3, tile_width=160))
    assert kind == "PNG"
    assert sheet[60, :, 0].tolist().count(0) == 3 * 160
    assert sheet[-60, :, 0].tolist().count(0) == 2 * 160
    assert (sheet[0] == 255).all()


def test_a_sheet_of_nothing_is_an_error() -> None:
    with pytest.raises(ValueError, match="at least one"):
        spritesheet([])

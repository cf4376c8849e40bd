"""A phone's HEIC: many small pictures, and a grid that lays them side by side."""

import numpy as np
from PIL import Image

from serve.media.decode import decode
from serve.media.probe import inspect
from tests.photos import building
from tests.unit.media.pictures import LIMITS, psnr, saved

WIDTH, HEIGHT, TILE = 4032, 3024, 512


def test_each_tile_is_at_its_place() -> None:
    photo = Image.fromarray(building()).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)
    data = saved(photo, "HEIC", quality=80, tile_size=TILE, enc_params={"preset": "ultrafast"})
    assert data.count(b"hvc1") == 48 == -(-WIDTH // TILE) * -(-HEIGHT // TILE)
    assert inspect(data, LIMITS) == ("HEIC", WIDTH, HEIGHT)
    read, meant = decode(data, LIMITS, WIDTH), np.asarray(photo)
    for top in range(0, HEIGHT, TILE):
        for left in range(0, WIDTH, TILE):
            place = np.s_[top : top + TILE, left : left + TILE]
            assert psnr(read[place], meant[place]) > 40, (left, top)


def test_a_turned_grid_is_turned_whole() -> None:
    photo = Image.fromarray(building())
    exif = Image.Exif()
    exif[0x0112] = 6
    lying = photo.transpose(Image.Transpose.ROTATE_90)
    data = saved(lying, "HEIC", quality=90, tile_size=128, exif=exif.tobytes())
    assert data.count(b"hvc1") == 20
    assert inspect(data, LIMITS) == ("HEIC", *photo.size)
    assert psnr(decode(data, LIMITS, 640), building()) > 35

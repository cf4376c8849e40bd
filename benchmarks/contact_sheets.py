"""Render three photos under four camera moves each into the contact sheets of the README.

    python -m benchmarks.contact_sheets [--folder docs/images]

One photo a sheet, one move a row, frames in columns from the first (the photo itself) on.
"""

import argparse
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from cluster import runtime, settings
from serve.catalogue import load as load_catalogue
from serve.engines import registry
from serve.engines.parameters import Camera, VideoParameters
from serve.engines.protocol import Engine
from serve.models.store import ModelStore
from serve.weights import open_weights
from tests.photos import Photo, building, person, still_life

PHOTOS: dict[str, Callable[[], Photo]] = {"person": person, "building": building, "still_life": still_life}
MOVES: tuple[Camera, ...] = ("dolly_in", "pan_right", "orbit", "dolly_zoom")
COLUMNS, COLUMN_WIDTH = 4, 360
MAX_BYTES = 400_000


def row(engine: Engine, photo: Photo, camera: Camera) -> Photo:
    """Evenly spaced frames of one clip beside each other, with the move's name."""
    parameters = VideoParameters.model_validate({"camera": camera, "strength": 0.7})
    clip = engine.prepare(photo, "", parameters, lambda *_: None, lambda: False)
    # An orbit ends where it began: its last frame would show the first again.
    last = clip.frame_count * (COLUMNS - 1) // COLUMNS if camera == "orbit" else clip.frame_count - 1
    wanted = {round(i * last / (COLUMNS - 1)) for i in range(COLUMNS)}
    size = (COLUMN_WIDTH, round(COLUMN_WIDTH * clip.height / clip.width))
    frames = [cv2.resize(f, size, interpolation=cv2.INTER_AREA) for i, f in enumerate(clip.frames()) if i in wanted]
    picture = Image.fromarray(np.hstack(frames))
    ImageDraw.Draw(picture).text(
        (8, 6), camera, "white", ImageFont.load_default(16), stroke_width=2, stroke_fill="black"
    )
    return np.asarray(picture)


def save(sheet: Photo, file: Path) -> None:
    """As a JPEG of the best quality within the limit."""
    for quality in range(92, 40, -4):
        Image.fromarray(sheet).save(file, quality=quality, optimize=True, progressive=True)
        if file.stat().st_size <= MAX_BYTES:
            return


def main() -> None:
    """Write one JPEG for each photo."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path("docs/images"))
    folder: Path = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    model = load_catalogue().models["default"]
    weights = open_weights(ModelStore(runtime.paths(settings.load()).models), model.weights)
    engine = registry.create(model.engine, weights)
    for name, photo in PHOTOS.items():
        file = folder / f"contact_sheet_{name}.jpg"
        save(np.vstack([row(engine, photo(), camera) for camera in MOVES]), file)
        print(file, f"{file.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()

"""Is a frame that RIFE puts between two of ours as good as the one that we render there, and sooner made?

    python -m benchmarks.slow_motion [--size 832x480]

Two seconds at 60 frames/s are rendered; every second frame is taken away and made anew from its two neighbours, by
RIFE 4.14 and by the plain average of both. What was rendered is the truth: it is the scene seen from that instant's
pose. Times are the mean of the rendered frames and the fastest of those made anew, so that whatever else runs here
speaks for RIFE. Exit status 1 if RIFE is sooner and not to be told from rendering in every shot.
"""

import argparse
from collections.abc import Callable, Sequence
from statistics import mean

import cv2
import numpy as np
import torch

from benchmarks._lpips import Lpips
from benchmarks._rife import Rife
from cluster import clock, runtime, settings
from serve.catalogue import load as load_catalogue
from serve.engines import registry
from serve.engines.parameters import Camera, VideoParameters
from serve.models.store import ModelStore
from serve.weights import open_weights
from tests.photos import Photo, building, person, still_life
from tests.unit.engines.measures import Image, psnr

FPS, SECONDS, SAMPLES = 60, 2, 12
THREADS = 2
SHOTS: Sequence[tuple[str, Callable[[], Photo], Camera]] = (
    ("person", person, "orbit"),
    ("building", building, "dolly_in"),
    ("still life", still_life, "pan_right"),
)
UNSEEN_DB, UNSEEN_LPIPS = 50.0, 0.001
Between = Callable[[Image, Image], Image]


def average(before: Image, after: Image) -> Image:
    """What asks for no network."""
    return np.asarray(cv2.addWeighted(before, 0.5, after, 0.5, 0), np.uint8)


def restored(frames: Sequence[Image], between: Between, lpips: Lpips) -> tuple[float, float, float]:
    """Evenly spaced odd frames made anew: mean decibels and LPIPS, and the fewest seconds for one."""
    decibels, distances, seconds = [], [], []
    taken = range(1, len(frames) - 1, 2)
    for odd in taken[:: len(taken) // SAMPLES]:
        began = clock.monotonic()
        made = between(frames[odd - 1], frames[odd + 1])
        seconds.append(clock.monotonic() - began)
        decibels.append(min(psnr(made, frames[odd]), 99))
        distances.append(lpips(made, frames[odd]))
    return mean(decibels), mean(distances), min(seconds)


def main() -> int:
    """Print a line of Markdown for each shot."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", default="832x480")
    size: str = parser.parse_args().size
    model = load_catalogue().models["default"]
    weights = open_weights(ModelStore(runtime.paths(settings.load()).models), model.weights)
    engine = registry.create(model.engine, weights)
    torch.set_num_threads(THREADS)
    rife, lpips = Rife(), Lpips()
    print("| shot | rendering, ms | RIFE, ms | PSNR | LPIPS | average, ms | PSNR | LPIPS |")
    print("|---" * 8 + "|")
    better = []
    for name, photo, camera in SHOTS:
        parameters = VideoParameters.model_validate({"camera": camera, "seconds": SECONDS, "fps": FPS, "size": size})
        clip = engine.prepare(photo(), "", parameters, lambda *_: None, lambda: False)
        began = clock.monotonic()
        frames = list(clip.frames())
        rendering = (clock.monotonic() - began) / len(frames)
        cells = [f"{name}, {camera}", f"{1000 * rendering:.1f}"]
        by_rife, by_average = (restored(frames, between, lpips) for between in (rife, average))
        for decibels, distance, seconds in (by_rife, by_average):
            cells += [f"{1000 * seconds:.1f}", f"{decibels:.1f}", f"{distance:.4f}"]
        print("|", " | ".join(cells), "|", flush=True)
        better.append(by_rife[2] < rendering and by_rife[0] >= UNSEEN_DB and by_rife[1] <= UNSEEN_LPIPS)
    return 1 if all(better) else 0


if __name__ == "__main__":
    raise SystemExit(main())

"""How fast a GPU renders and encodes the default model's frames, against its CPU body on two cores of the same machine.

    python -m benchmarks.gpu_rendering [--scene FILE] [--rounds 3]
    python -m benchmarks.gpu_rendering --prepare FILE

1280x720, 24 frames a second. The photo is taken apart before: `--prepare` does only that and keeps the result in FILE,
for a machine with a GPU that has neither the weights nor Ray. Without a GPU it says so and measures nothing.
"""

import argparse
import json
import os
import pickle
import time
from collections.abc import Callable, Sequence
from io import BytesIO
from pathlib import Path
from statistics import median

import numpy as np
import torch
from numpy.typing import NDArray

from serve.engines.parallax.camera import Pose
from serve.engines.parallax.engine import ParallaxClip
from serve.engines.parallax.scene import Scene
from serve.engines.parallax.warp import warp_on
from serve.engines.steps import Steps
from serve.media.video import encode_mp4

FPS, CPU_CORES, WANTED_FPS = 24, 2, 24 * 20
Photo = NDArray[np.uint8]
Prepared = tuple[Photo, Scene, Sequence[Pose]]


def prepared() -> Prepared:
    """The building, taken apart for ten seconds of a dolly."""
    from cluster import runtime, settings
    from serve.catalogue import load as load_catalogue
    from serve.engines import registry
    from serve.engines.parameters import VideoParameters
    from serve.models.store import ModelStore
    from serve.weights import open_weights
    from tests.photos import building

    model = load_catalogue().models["default"]
    weights = open_weights(ModelStore(runtime.paths(settings.load()).models), model.weights)
    parameters = VideoParameters(size="1280x720", seconds=10, fps=FPS, camera="dolly_in")
    clip = registry.create(model.engine, weights).prepare(building(), "", parameters, lambda *_: None, lambda: False)
    assert isinstance(clip, ParallaxClip)
    return clip.photo, clip.scene, clip.path


def clip_on(device: str, photo: Photo, scene: Scene, path: Sequence[Pose]) -> ParallaxClip:
    """The clip of a prepared photo, rendered on `device`."""
    return ParallaxClip(photo, scene, path, FPS, device, Steps(len(path), lambda *_: None, lambda: False))


def per_second(work: Callable[[], object], frames: int) -> float:
    """Frames per second of `work`, which makes `frames` of them."""
    started = time.perf_counter()
    work()
    return frames / (time.perf_counter() - started)


def whole(clip: ParallaxClip, threads: int) -> float:
    """Frames per second of rendering and encoding, as a generation replica does them."""

    def work() -> None:
        encode_mp4(clip.frames(), BytesIO(), clip.width, clip.height, clip.fps, clip.frame_count, threads=threads)

    return per_second(work, clip.frame_count)


def encoding(frames: list[Photo], clip: ParallaxClip, threads: int) -> float:
    """Frames per second of encoding what was rendered before."""
    return per_second(
        lambda: encode_mp4(frames, BytesIO(), clip.width, clip.height, clip.fps, len(frames), threads=threads),
        len(frames),
    )


def differing(scene: Scene, poses: Sequence[Pose]) -> float:
    """The share of pixels that the two bodies show more than two grey levels apart."""
    pairs = zip(warp_on("cpu", scene)(poses), warp_on("cuda", scene)(poses), strict=True)
    return max(float((np.abs(a.astype(int) - b).max(axis=2) > 2).mean()) for a, b in pairs)


def measure(photo: Photo, scene: Scene, path: Sequence[Pose], rounds: int) -> dict[str, float]:
    """Every figure of this machine, medians of `rounds`; the first video on the GPU, which wakes it, is not counted."""
    cores = sorted(os.sched_getaffinity(0))
    gpu, cpu = clip_on("cuda", photo, scene, path), clip_on("cpu", photo, scene, path)
    frames = list(gpu.frames())
    ours = [whole(gpu, len(cores)) for _ in range(rounds)]
    rendered = [per_second(lambda: list(gpu.frames()), gpu.frame_count) for _ in range(rounds)]
    encoded = [encoding(frames, gpu, len(cores)) for _ in range(rounds)]
    os.sched_setaffinity(0, cores[:CPU_CORES])
    theirs = [whole(cpu, CPU_CORES) for _ in range(rounds)]
    os.sched_setaffinity(0, cores)
    return {
        "frames_per_second": median(ours),
        "rendering_alone": median(rendered),
        "encoding_alone": median(encoded),
        "cpu_frames_per_second": median(theirs),
        "ratio": median(ours) / median(theirs),
        "pixels_differing": differing(scene, path[1::40]),
        "cores": len(cores),
    }


def main() -> None:
    """Print each figure, and a line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--scene", type=Path, help="what --prepare wrote; only files of your own: it is a pickle")
    parser.add_argument("--prepare", type=Path, metavar="FILE")
    arguments = parser.parse_args()
    if arguments.prepare:
        arguments.prepare.write_bytes(pickle.dumps(prepared()))
        return
    if not torch.cuda.is_available():
        print("There is no GPU here: nothing was measured.")
        return
    ready: Prepared = pickle.loads(arguments.scene.read_bytes()) if arguments.scene else prepared()
    figures = measure(*ready, arguments.rounds)
    print(f"{len(ready[2])} frames of 1280x720, layers: {', '.join(layer.name for layer in ready[1].layers)}")
    print(f"{torch.cuda.get_device_name()}, rendering and encoding  {figures['frames_per_second']:8.1f} frames/s")
    print(
        f"(wanted: {WANTED_FPS}; rendering alone {figures['rendering_alone']:.1f}, "
        f"encoding alone on {figures['cores']} cores {figures['encoding_alone']:.1f})"
    )
    print(f"the CPU body on {CPU_CORES} cores of this machine  {figures['cpu_frames_per_second']:8.1f} frames/s")
    print(f"ratio  {figures['ratio']:.1f}; pixels more than two grey levels apart: {figures['pixels_differing']:.6f}")
    print(json.dumps({"benchmark": "gpu_rendering", **{name: round(value, 6) for name, value in figures.items()}}))


if __name__ == "__main__":
    main()

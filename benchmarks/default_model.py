"""How fast the default model renders and encodes, against ffmpeg's `zoompan` from the same photo.

    python -m benchmarks.default_model [--rounds 3] [--camera dolly_in] [--size 832x480]

Both make 96 frames of the same size with the same x264 settings and on the same cores, in turn; the photo is prepared
before.
"""

import argparse
import json
import os
import subprocess
import tempfile
import time
from io import BytesIO
from pathlib import Path
from statistics import median

import imageio_ffmpeg

from cluster import runtime, settings
from serve.catalogue import load as load_catalogue
from serve.engines import registry
from serve.engines.parameters import CAMERAS, VideoParameters
from serve.engines.protocol import Clip
from serve.media.h264 import ENCODER_OPTIONS
from serve.media.video import encode_mp4
from serve.models.store import ModelStore
from serve.weights import open_weights
from tests.photos import building, jpeg

SECONDS, FPS = 4, 24
THREADS = 2
WANTED_FPS, WANTED_RATIO = {"832x480": 60, "1280x720": 24}, 0.25


def render(clip: Clip) -> float:
    """Frames per second of rendering and encoding, as a generation replica does them."""
    started = time.perf_counter()
    encode_mp4(clip.frames(), BytesIO(), clip.width, clip.height, clip.fps, clip.frame_count, threads=THREADS)
    return clip.frame_count / (time.perf_counter() - started)


def zoompan(photo: Path, size: str) -> float:
    """Frames per second of ffmpeg zooming into the same photo, its start not counted."""

    def seconds(frames: int) -> float:
        effect = f"zoompan=z=1+0.2*on/{frames}:x=iw/2-iw/zoom/2:y=ih/2-ih/zoom/2:d={frames}:s={size}:fps={FPS}"
        target = photo.with_suffix(".mp4")
        command = [imageio_ffmpeg.get_ffmpeg_exe(), "-y", "-v", "error", "-i", str(photo), "-vf", effect]
        options = [part for name, value in ENCODER_OPTIONS["libx264"].items() for part in (f"-{name}", value)]
        command += ["-c:v", "libx264", *options, "-g", str(FPS), "-pix_fmt", "yuv420p"]
        started = time.perf_counter()
        subprocess.run([*command, "-threads", str(THREADS), str(target)], check=True)
        return time.perf_counter() - started

    count = SECONDS * FPS
    return count / (seconds(count) - seconds(1))


def main() -> None:
    """Print the median of each side, their ratio, and a line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--camera", choices=CAMERAS, default="dolly_in")
    parser.add_argument("--size", choices=WANTED_FPS, default="832x480")
    arguments = parser.parse_args()
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:THREADS])

    store = ModelStore(runtime.paths(settings.load()).models)
    model = load_catalogue().models["default"]
    engine = registry.create(model.engine, open_weights(store, model.weights), "cpu", THREADS)
    parameters = VideoParameters.model_validate(
        {"size": arguments.size, "seconds": SECONDS, "fps": FPS, "camera": arguments.camera}
    )
    started = time.perf_counter()
    clip = engine.prepare(building(), "", parameters, lambda *_: None, lambda: False)
    prepared = time.perf_counter() - started
    with tempfile.TemporaryDirectory() as folder:
        photo = Path(folder) / "photo.jpg"
        photo.write_bytes(jpeg(building()))
        rounds = [(render(clip), zoompan(photo, arguments.size)) for _ in range(arguments.rounds)]
    ours, peer = (median(side) for side in zip(*rounds, strict=True))
    print(f"{clip.frame_count} frames of {arguments.size}, layers: {', '.join(clip.layers)}; {THREADS} cores")
    print(f"preparing the photo          {prepared:6.2f} s")
    print(f"rendering and encoding       {ours:6.1f} frames/s   (wanted: {WANTED_FPS[arguments.size]})")
    print(f"ffmpeg zoompan, same x264    {peer:6.1f} frames/s")
    print(f"ratio                        {ours / peer:6.2f}            (wanted: {WANTED_RATIO})")
    figures = {"frames_per_second": ours, "peer_frames_per_second": peer, "ratio": ours / peer, "prepare_s": prepared}
    print(json.dumps({"benchmark": "default_model", **{name: round(value, 3) for name, value in figures.items()}}))


if __name__ == "__main__":
    main()

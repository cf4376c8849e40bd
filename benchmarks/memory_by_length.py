"""Peak memory of a long 1080p video against that of a short one: frames stream, so the length must not matter.

    python -m benchmarks.memory_by_length [--seconds 2 20] [--size 1920x1080]

Each video is made from photo to MP4 in a fresh process, on the CPU; the peak is the kernel's (`ru_maxrss`).
"""

import argparse
import json
import resource
import subprocess
import sys
from io import BytesIO

from cluster import clock, runtime, settings
from serve.catalogue import load as load_catalogue
from serve.engines import registry
from serve.engines.parameters import VideoParameters
from serve.media.video import encode_mp4
from serve.models.store import ModelStore
from serve.weights import open_weights
from tests.photos import person

LIMIT = 1.5


def make(seconds: float, size: str) -> dict[str, float]:
    """One video in this process: megabytes at the peak, seconds taken, frames."""
    began = clock.monotonic()
    model = load_catalogue().models["default"]
    weights = open_weights(ModelStore(runtime.paths(settings.load()).models), model.weights)
    engine = registry.create(model.engine, weights)
    parameters = VideoParameters.model_validate({"seconds": seconds, "size": size, "camera": "orbit"})
    clip = engine.prepare(person(), "", parameters, lambda *_: None, lambda: False)
    encode_mp4(clip.frames(), BytesIO(), clip.width, clip.height, clip.fps, clip.frame_count)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    return {"seconds": seconds, "megabytes": round(peak), "took": round(clock.monotonic() - began, 1)}


def in_fresh_process(seconds: float, size: str) -> dict[str, float]:
    """The same, where nothing has been in memory before."""
    command = [sys.executable, "-m", "benchmarks.memory_by_length", "--one", str(seconds), "--size", size]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    measured: dict[str, float] = json.loads(said.splitlines()[-1])
    return measured


def main() -> int:
    """Print each peak and their ratio; exit status 1 if it is over the limit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, nargs=2, default=[2, 20], metavar=("SHORT", "LONG"))
    parser.add_argument("--size", default="1920x1080")
    parser.add_argument("--one", type=float, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one is not None:
        print(json.dumps(make(arguments.one, arguments.size)))
        return 0
    short, long = (in_fresh_process(seconds, arguments.size) for seconds in arguments.seconds)
    ratio = round(long["megabytes"] / short["megabytes"], 2)
    print(json.dumps({"size": arguments.size, "short": short, "long": long, "ratio": ratio, "limit": LIMIT}))
    return 0 if ratio <= LIMIT else 1


if __name__ == "__main__":
    raise SystemExit(main())

"""The engine keeps to its protocol: progress, stopping, laziness, sizes, and no torch on a CPU."""

import json
import subprocess
import sys
import tracemalloc
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from serve.engines import registry
from serve.engines.parallax.camera import camera_path
from serve.engines.parallax.engine import ParallaxEngine
from serve.engines.parameters import VideoParameters
from serve.engines.protocol import Clip, Engine, Stopped
from tests.unit.engines.conftest import PHOTOS, never, unheeded

SMALL = {"size": "256x256", "fps": 12}


def prepare(engine: Engine, **parameters: object) -> Clip:
    given = VideoParameters.model_validate({**SMALL, **parameters})
    return engine.prepare(PHOTOS["still_life"](), "", given, unheeded, never)


def test_steps_are_counted_up_to_the_total(engine: ParallaxEngine) -> None:
    seen: list[tuple[int, int]] = []
    parameters = VideoParameters.model_validate({**SMALL, "seconds": 1})
    clip = engine.prepare(PHOTOS["person"](), "", parameters, lambda *step: seen.append(step), never)
    prepared = len(seen)
    frames = list(clip.frames())

    assert len(frames) == clip.frame_count == 12
    assert prepared >= 4
    assert [done for done, _ in seen] == list(range(1, len(seen) + 1))
    assert {total for _, total in seen} == {len(seen)}


@pytest.mark.parametrize("after", [0, 2, 8])
def test_a_wish_to_stop_is_heeded_at_the_next_step(engine: ParallaxEngine, after: int) -> None:
    done = 0

    def count(step: int, _total: int) -> None:
        nonlocal done
        done = step

    def run() -> None:
        parameters = VideoParameters.model_validate(SMALL)
        clip = engine.prepare(PHOTOS["person"](), "", parameters, count, lambda: done >= after)
        for _ in clip.frames():
            pass

    with pytest.raises(Stopped):
        run()
    assert done == after


def test_memory_does_not_grow_with_length(engine: ParallaxEngine) -> None:
    def peak(seconds: int) -> int:
        clip = prepare(engine, seconds=seconds)
        tracemalloc.start()
        for _ in clip.frames():
            pass
        highest = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return highest

    frame = 256 * 256 * 3
    short, long = peak(1), peak(20)
    assert frame < short
    assert abs(long - short) < 2 * frame


@pytest.mark.parametrize("size", ["256x1920", "258x300"])
def test_any_size_within_the_bounds(engine: ParallaxEngine, size: str) -> None:
    frames = list(prepare(engine, size=size, seconds=1).frames())

    assert {f"{frame.shape[1]}x{frame.shape[0]}" for frame in frames} == {size}
    assert all(frame.dtype == np.uint8 and frame.flags.c_contiguous for frame in frames)


def test_a_photo_without_a_subject_is_still_animated(engine: ParallaxEngine) -> None:
    noise = np.random.default_rng(1).integers(0, 255, (64, 64, 3), np.uint8).repeat(8, 0).repeat(8, 1)
    parameters = VideoParameters.model_validate({**SMALL, "seconds": 1, "camera": "pan_left"})
    first, *_, last = engine.prepare(noise, "", parameters, unheeded, never).frames()

    assert np.abs(first.astype(int) - last).mean() > 5


def test_the_prompt_steers_an_automatic_camera(engine: ParallaxEngine) -> None:
    parameters = VideoParameters.model_validate(SMALL)
    clip = engine.prepare(PHOTOS["still_life"](), "slowly pan left", parameters, unheeded, never)

    assert clip.path == camera_path("pan_left", parameters)
    assert clip.path != camera_path("dolly_in", parameters)


def test_an_engine_is_made_by_name(weights: Mapping[str, Path]) -> None:
    engine = registry.create("parallax", weights, "cpu", 2)

    assert (engine.name, engine.device) == ("parallax", "cpu")
    with pytest.raises(KeyError):
        registry.create("no such engine", weights)
    with pytest.raises(KeyError):
        registry.create("parallax", {})


def test_a_cpu_replica_never_imports_torch(weights: Mapping[str, Path]) -> None:
    program = """
import json, sys
from pathlib import Path
import numpy as np
from serve.engines.parameters import VideoParameters
from serve.engines.registry import create
weights = {name: Path(file) for name, file in json.loads(sys.argv[1]).items()}
photo = np.zeros((300, 300, 3), np.uint8)
engine = create("parallax", weights)
next(engine.prepare(photo, "", VideoParameters(size="256x256"), lambda *_: None, lambda: False).frames())
sys.exit("torch" in sys.modules)
"""
    files = json.dumps({name: str(file) for name, file in weights.items()})
    assert subprocess.run([sys.executable, "-c", program, files], check=False).returncode == 0

"""The real networks, and clips of real photos."""

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

import pytest

from cluster import runtime, settings
from serve.engines.parallax.engine import ParallaxClip, ParallaxEngine
from serve.engines.parameters import Camera, VideoParameters
from serve.models.store import ModelStore
from serve.models.weights import read_specs
from tests import photos

PHOTOS: dict[str, Callable[[], photos.Photo]] = {
    "person": photos.person,
    "building": photos.building,
    "still_life": photos.still_life,
}
NETWORKS = ("depth", "salient_matting", "portrait_matting", "inpainting")

ClipOf = Callable[[str, Camera], ParallaxClip]


def unheeded(_done: int, _total: int) -> None:
    """Progress that nobody follows."""


def never() -> bool:
    """No wish to stop."""
    return False


@pytest.fixture(scope="session")
def weights() -> Mapping[str, Path]:
    """The networks' files, from the user's own model store; fetched if they are not there yet."""
    store = ModelStore(runtime.paths(settings.load()).models)
    specs = read_specs(Path(__file__).parents[3] / "configs" / "models.yaml")
    return {name: store.fetch(specs[name]) for name in NETWORKS}


@pytest.fixture(scope="session")
def engine(weights: Mapping[str, Path]) -> ParallaxEngine:
    return ParallaxEngine(weights)


@pytest.fixture(scope="session")
def clip_of(engine: ParallaxEngine) -> ClipOf:
    """A short clip of a named photo under a camera move; each is prepared once."""

    @cache
    def clip(photo: str, camera: Camera) -> ParallaxClip:
        parameters = VideoParameters(camera=camera, seconds=2, fps=12)
        return engine.prepare(PHOTOS[photo](), "", parameters, unheeded, never)

    return clip

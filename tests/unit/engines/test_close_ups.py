"""Close-ups, of which the networks make less than of a room: as much as was read moves, and the clip says what."""

from collections.abc import Callable, Mapping

import pytest

from serve.engines.parallax.engine import ParallaxEngine
from serve.engines.parameters import VideoParameters
from tests.photos import Photo, cat, flower
from tests.unit.engines.conftest import never, unheeded
from tests.unit.engines.measures import psnr


def petals() -> Photo:
    """The middle of the flower."""
    return flower()[80:330, 180:520].copy()


CLOSE_UPS: Mapping[str, tuple[Callable[[], Photo], tuple[str, ...]]] = {
    "a flower that fills the picture": (flower, ("plane",)),
    "its petals alone": (petals, ("background", "subject")),
    "a cat, cut off on every side": (cat, ("background",)),
}


@pytest.mark.parametrize("close_up", CLOSE_UPS)
def test_a_close_up_moves_by_the_layers_that_could_be_read(engine: ParallaxEngine, close_up: str) -> None:
    photo, layers = CLOSE_UPS[close_up]
    parameters = VideoParameters(camera="orbit", seconds=1, fps=12, size="256x256")
    clip = engine.prepare(photo(), "", parameters, unheeded, never)
    frames = list(clip.frames())

    assert clip.layers == layers
    assert [frame.shape for frame in frames] == [(256, 256, 3)] * 12
    assert psnr(frames[0], clip.photo) > 40
    assert psnr(frames[6], frames[0]) < 40

"""What the networks cannot read is moved as one: nothing is torn out of a page, nothing bends."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from serve.engines.parallax.camera import Pose
from serve.engines.parallax.engine import ParallaxClip, ParallaxEngine
from serve.engines.parallax.projection import LayerProjection
from serve.engines.parallax.readable import has_depth
from serve.engines.parallax.scene import Scene
from serve.engines.parameters import Camera, VideoParameters
from tests.unit.engines.conftest import never, unheeded
from tests.unit.engines.drawn import DRAWN
from tests.unit.engines.measures import least_coverage, psnr

DrawnClip = Callable[[str, Camera], ParallaxClip]

every_picture = pytest.mark.parametrize("picture", DRAWN)


@pytest.fixture(scope="module")
def drawn_clip(engine: ParallaxEngine) -> DrawnClip:
    @cache
    def clip(picture: str, camera: Camera) -> ParallaxClip:
        parameters = VideoParameters(camera=camera, seconds=1, fps=12, size="400x256")
        return engine.prepare(DRAWN[picture](), "", parameters, unheeded, never)

    return clip


def bend(scene: Scene, pose: Pose) -> float:
    """How far, in pixels, any point of the only layer lies from where a similarity would put all of them."""
    projection = LayerProjection(scene, scene.layers[0])
    before, after = (projection(at).reshape(-1, 2).astype(np.float64) for at in (Pose(), pose))
    x, y = before.T
    ones, none = np.ones_like(x), np.zeros_like(x)
    equations = np.vstack((np.column_stack((x, -y, ones, none)), np.column_stack((y, x, none, ones))))
    wanted = after.T.ravel()
    return float(np.abs(equations @ np.linalg.lstsq(equations, wanted)[0] - wanted).max())


@every_picture
def test_a_flat_picture_is_moved_as_one_plane(drawn_clip: DrawnClip, picture: str) -> None:
    clip = drawn_clip(picture, "dolly_out")

    assert clip.layers == ("plane",)
    assert bend(clip.scene, clip.path[-1]) < 0.05


@every_picture
def test_a_flat_picture_is_filled_and_starts_as_it_is(drawn_clip: DrawnClip, picture: str) -> None:
    clip = drawn_clip(picture, "dolly_out")

    assert least_coverage(clip.scene, clip.path) >= 254
    assert psnr(next(clip.frames()), clip.photo) >= 50


@pytest.mark.parametrize("camera", ["pan_right", "orbit", "dolly_zoom"])
def test_a_page_bends_under_no_move(drawn_clip: DrawnClip, camera: Camera) -> None:
    clip = drawn_clip("text", camera)

    assert max(bend(clip.scene, pose) for pose in clip.path) < 0.05


def test_a_page_with_depth_bends(drawn_clip: DrawnClip) -> None:
    """So the tests above do see a page that is taken for a landscape."""
    clip = drawn_clip("text", "pan_right")
    plane = clip.scene.layers[0]
    slope = np.linspace(0.2, 0.8, plane.disparity.size, dtype=np.float32).reshape(plane.disparity.shape)

    assert bend(replace(clip.scene, layers=(replace(plane, disparity=slope),)), clip.path[-1]) > 1


def test_room_is_a_clear_difference_between_near_and_far() -> None:
    wall, hill, room = (np.linspace(1, near, 64 * 64, dtype=np.float32).reshape(64, 64) for near in (1.4, 1.8, 3))
    photo = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    drawing = np.full_like(photo, 255)

    assert [has_depth(photo, depth) for depth in (wall, hill, room)] == [False, True, True]
    assert [has_depth(drawing, depth) for depth in (wall, hill, room)] == [False, False, True]

"""Three real photos, four moves each: what people would see first if it were wrong."""

from collections.abc import Sequence
from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest

from serve.engines.parallax.camera import Pose
from serve.engines.parallax.engine import ParallaxEngine
from serve.engines.parallax.residue import Residue
from serve.engines.parallax.scene import Scene
from serve.engines.parallax.torch_warp import TorchWarp
from serve.engines.parallax.warp import OpenCvWarp
from serve.engines.parameters import Camera, VideoParameters
from serve.media.frames import read_frames
from serve.media.video import encode_mp4
from tests.unit.engines.conftest import PHOTOS, ClipOf, never, unheeded
from tests.unit.engines.measures import Image, Motion, least_coverage, motion, psnr, subject_masks

MOVES: tuple[Camera, ...] = ("dolly_in", "dolly_out", "pan_right", "orbit")

every_photo = pytest.mark.parametrize("photo", PHOTOS)
every_move = pytest.mark.parametrize("camera", MOVES)


def motion_of(scene: Scene, path: Sequence[Pose]) -> Motion:
    return motion(OpenCvWarp(scene)(path), subject_masks(scene, path))


@every_photo
@every_move
def test_no_pixel_is_unfilled(clip_of: ClipOf, photo: str, camera: Camera) -> None:
    clip = clip_of(photo, camera)

    assert least_coverage(clip.scene, clip.path) >= 254


def test_a_canvas_too_small_leaves_pixels_unfilled(clip_of: ClipOf) -> None:
    clip = clip_of("building", "pan_right")
    margin = clip.scene.margin
    background = clip.scene.layers[0]
    cropped = np.ascontiguousarray(background.pixels[margin:-margin, margin:-margin])
    bare = replace(clip.scene, layers=(replace(background, pixels=cropped, left=margin, top=margin),))

    assert least_coverage(bare, clip.path) < 254


@every_photo
@every_move
def test_motion_is_even(clip_of: ClipOf, photo: str, camera: Camera) -> None:
    clip = clip_of(photo, camera)

    assert motion(list(clip.frames()), subject_masks(clip.scene, clip.path)).jump <= 3


def test_a_skipped_stretch_is_a_jump(clip_of: ClipOf) -> None:
    clip = clip_of("person", "pan_right")
    path = [*clip.path[:8], *clip.path[14:]]

    assert motion_of(clip.scene, path).jump > 3


@every_photo
@pytest.mark.parametrize("camera", ["pan_right", "orbit"])
def test_the_subject_moves_farther_than_what_is_behind(clip_of: ClipOf, photo: str, camera: Camera) -> None:
    clip = clip_of(photo, camera)

    assert "subject" in clip.layers
    assert motion_of(clip.scene, clip.path).parallax >= 1.3


@every_photo
def test_a_flat_scene_has_no_parallax(clip_of: ClipOf, photo: str) -> None:
    clip = clip_of(photo, "pan_right")
    flat = tuple(replace(layer, disparity=np.ones_like(layer.disparity)) for layer in clip.scene.layers)

    assert motion_of(replace(clip.scene, layers=flat), clip.path).parallax < 1.3


@every_photo
@every_move
def test_the_first_frame_is_the_photo(clip_of: ClipOf, photo: str, camera: Camera) -> None:
    clip = clip_of(photo, camera)

    assert psnr(next(clip.frames()), clip.photo) >= 50


@every_photo
def test_the_first_frame_is_the_photo_after_coding(clip_of: ClipOf, photo: str) -> None:
    clip = clip_of(photo, "orbit")
    video = BytesIO()
    encode_mp4(clip.frames(), video, clip.width, clip.height, clip.fps, clip.frame_count)
    first = next(read_frames(video.getvalue(), 2))

    assert psnr(first, clip.photo) >= 35


def test_without_its_residue_the_first_frame_is_not_the_photo(clip_of: ClipOf) -> None:
    """So the two tests above do see small differences."""
    clip = clip_of("person", "orbit")
    warp = OpenCvWarp(clip.scene)

    assert (
        psnr(warp([Pose()])[0], clip.photo) < 50 < psnr(Residue(clip.photo, clip.scene, warp)([Pose()])[0], clip.photo)
    )


@pytest.mark.parametrize("camera", ["pan_left", "handheld"])
def test_a_loop_closes(engine: ParallaxEngine, camera: Camera) -> None:
    parameters = VideoParameters(camera=camera, seconds=2, fps=12, size="256x256", loop=True, seed=3)
    clip = engine.prepare(PHOTOS["still_life"](), "", parameters, unheeded, never)
    cycle = [*clip.path, clip.path[0]]

    assert motion_of(clip.scene, cycle).everything[-1] <= 2 * np.median(motion_of(clip.scene, clip.path).everything)


@every_photo
def test_both_bodies_of_the_warp_agree(clip_of: ClipOf, photo: str) -> None:
    """Within two grey levels, but for the rare pixel whose place rounds to another 32nd of a pixel."""
    clip = clip_of(photo, "orbit")
    poses = [clip.path[6], Pose(x=0.01, y=-0.02, z=0.1, zoom=1.05, roll=0.01)]
    on_cpu, on_torch = OpenCvWarp(clip.scene)(poses), TorchWarp(clip.scene, "cpu")(poses)

    def share_of_differences(one: Image, other: Image) -> float:
        return float((np.abs(one.astype(int) - other).max(axis=2) > 2).mean())

    assert all(share_of_differences(a, b) < 1e-4 for a, b in zip(on_cpu, on_torch, strict=True))
    assert share_of_differences(on_cpu[0], on_torch[1]) > 0.1

"""A person's face keeps its shape under every move."""

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np
import pytest

from serve.engines.parallax.camera import Pose
from serve.engines.parallax.scene import Scene
from serve.engines.parallax.warp import OpenCvWarp
from serve.engines.parameters import Camera
from tests.unit.engines.conftest import ClipOf
from tests.unit.engines.measures import subject_masks

HEAD = 0.45
"""How much of the astronaut's height, from the top of her hair, is head and collar."""
RIGID, RUBBER = 1.0, 1.5
"""Pixels that a point of the head may lie from where a similarity of the whole head would put it."""


def distortion(scene: Scene, path: Sequence[Pose]) -> float:
    """The 95th percentile of the head's residual flow from the first frame to the frame that is farthest from it."""
    farthest = max(path, key=lambda pose: abs(pose.x) + abs(pose.y) + abs(pose.z))
    first, last = OpenCvWarp(scene)([path[0], farthest])
    flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM).calc(
        cv2.cvtColor(first, cv2.COLOR_RGB2GRAY), cv2.cvtColor(last, cv2.COLOR_RGB2GRAY), np.empty(0, np.float32)
    )
    rows, columns = _head(subject_masks(scene, path[:1])[0])
    before = np.column_stack((columns, rows)).astype(np.float32)
    after = before + flow[rows, columns]
    similarity, _ = cv2.estimateAffinePartial2D(before, after)
    residual = np.linalg.norm(before @ similarity[:, :2].T + similarity[:, 2] - after, axis=1)
    return float(np.percentile(residual, 95))


def _head(mask: np.ndarray) -> tuple[np.ndarray, ...]:
    inside = cv2.erode(mask, np.ones((15, 15))) > 0.95
    top, bottom = np.flatnonzero(inside.any(axis=1))[[0, -1]]
    inside[int(top + HEAD * (bottom - top)) :] = False
    return np.nonzero(inside)


@pytest.mark.parametrize("camera", ["orbit", "dolly_in", "pan_right"])
def test_a_head_keeps_its_shape(clip_of: ClipOf, camera: Camera) -> None:
    clip = clip_of("person", camera)

    assert distortion(clip.scene, clip.path) < RIGID


def test_a_face_of_rubber_is_seen(clip_of: ClipOf) -> None:
    clip = clip_of("person", "pan_right")
    subject = clip.scene.layers[-1]
    rows, columns = subject.disparity.shape
    ripple = 1 + 0.2 * np.sin(np.arange(rows) / 3)[:, None] * np.sin(np.arange(columns) / 3)
    rubber = replace(subject, disparity=ripple.astype(np.float32))

    assert distortion(replace(clip.scene, layers=(*clip.scene.layers[:-1], rubber)), clip.path) > RUBBER


def test_a_person_is_a_rigid_plane_and_a_thing_is_not(clip_of: ClipOf) -> None:
    person, thing = (clip_of(photo, "pan_right").scene.layers[-1] for photo in ("person", "still_life"))

    assert np.ptp(person.disparity) == 0
    assert np.ptp(thing.disparity) > 0

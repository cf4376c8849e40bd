"""A person's eyes stay where they are in the face, in every frame that is delivered."""

from collections.abc import Iterable
from dataclasses import replace

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from serve.engines.parallax.scene import CELL
from serve.engines.parallax.warp import OpenCvWarp
from serve.engines.parameters import Camera
from tests.unit.engines.conftest import ClipOf
from tests.unit.engines.measures import Image

PHOTO_SIDE = 512
EYES = ((203.3, 100.8), (247.2, 103.3))
"""The astronaut's pupils, in pixels of her photo."""
FACE, EYE_RADIUS = (175, 75, 270, 180), 14
"""Left, top, right and bottom of what the head's motion is read from, and how far around the eyes is left out."""
STILL, ADRIFT = 0.6, 1.2
"""Pixels of the first frame that an eye strays, after a similarity of the whole face is undone."""
WINDOW = (21, 21)

Points = NDArray[np.float32]
Grey = NDArray[np.uint8]


def drift(frames: Iterable[Image]) -> float:
    """The farthest that either eye strays, in any frame, from where the rest of the face has gone."""
    grey = [np.asarray(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), np.uint8) for frame in frames]
    scale = grey[0].shape[0] / PHOTO_SIDE
    eyes = np.array(EYES, np.float32) * np.float32(scale)
    face = _corners(grey[0], scale, eyes)
    reached, farthest = face, 0.0
    for later in grey[1:]:
        reached, seen = _followed(grey[0], later, face, reached)
        similarity, _ = cv2.estimateAffinePartial2D(face[seen], reached[seen], method=cv2.LMEDS)
        back = cv2.warpAffine(later, similarity, later.shape[::-1], flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
        found, seen = _followed(grey[0], np.asarray(back, np.uint8), eyes, eyes)
        assert seen.all()
        farthest = max(farthest, float(np.linalg.norm(found - eyes, axis=1).max()))
    return farthest


def _followed(before: Grey, after: Grey, points: Points, guess: Points) -> tuple[Points, NDArray[np.bool_]]:
    found, seen, _ = cv2.calcOpticalFlowPyrLK(
        before, after, points, guess.copy(), winSize=WINDOW, flags=cv2.OPTFLOW_USE_INITIAL_FLOW
    )
    return np.asarray(found, np.float32), seen[:, 0] > 0


def _corners(grey: Grey, scale: float, eyes: Points) -> Points:
    mask = np.zeros_like(grey)
    left, top, right, bottom = (round(side * scale) for side in FACE)
    mask[top:bottom, left:right] = 255
    for x, y in eyes:
        cv2.circle(mask, (round(float(x)), round(float(y))), round(EYE_RADIUS * scale), 0, cv2.FILLED)
    return np.asarray(cv2.goodFeaturesToTrack(grey, 150, 0.01, 5, mask=mask), np.float32).reshape(-1, 2)


@pytest.mark.parametrize("camera", ["orbit", "dolly_in", "pan_right"])
def test_eyes_stay_in_the_face(clip_of: ClipOf, camera: Camera) -> None:
    assert drift(clip_of("person", camera).frames()) < STILL


def test_eyes_that_wander_are_seen(clip_of: ClipOf) -> None:
    clip = clip_of("person", "pan_right")
    subject = clip.scene.layers[-1]
    rows, columns = np.indices(subject.disparity.shape, np.float32)
    x, y = (side * clip.height / PHOTO_SIDE / CELL for side in EYES[0])
    bump = 1 + 0.2 * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / 8)
    loose = replace(subject, disparity=(subject.disparity * bump).astype(np.float32))
    scene = replace(clip.scene, layers=(*clip.scene.layers[:-1], loose))

    assert drift(OpenCvWarp(scene)(clip.path)) > ADRIFT

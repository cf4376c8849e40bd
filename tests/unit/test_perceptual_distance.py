"""The distance that the contact sheets are judged by tells pictures apart as the eye does."""

import cv2
import numpy as np
import pytest

from benchmarks._lpips import Lpips
from tests.photos import person


@pytest.fixture(scope="module")
def distance() -> Lpips:
    return Lpips()


def test_a_picture_is_at_no_distance_from_itself(distance: Lpips) -> None:
    assert distance(person(), person()) == 0


def test_blur_and_noise_are_seen(distance: Lpips) -> None:
    photo = person()
    noise = np.random.default_rng(0).normal(0, 25, photo.shape)
    a_little, much = (np.asarray(cv2.GaussianBlur(photo, (0, 0), sigma), np.uint8) for sigma in (1, 4))

    assert 0.01 < distance(photo, a_little) < distance(photo, much)
    assert distance(photo, np.clip(photo + noise, 0, 255).astype(np.uint8)) > 0.1


def test_a_shift_of_every_grey_level_is_hardly_seen(distance: Lpips) -> None:
    photo = person()
    brighter = cv2.add(photo, np.full_like(photo, 4))

    assert distance(photo, np.asarray(brighter, np.uint8)) < 0.01

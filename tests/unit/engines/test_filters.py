"""Filters and separation: the properties that keep pictures free of tears and halos."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from serve.engines.parallax.filters import fill_smoothly, guided_filter, limit_slope
from serve.engines.parallax.separation import separate
from serve.engines.parallax.subject import choose_subject

seeds = st.integers(0, 2**16)


@given(seeds, st.floats(0.01, 0.5))
def test_slopes_are_limited(seed: int, slope: float) -> None:
    rough = np.random.default_rng(seed).random((20, 30)).astype(np.float32)
    limited = limit_slope(rough, slope)

    for axis in (0, 1):
        assert np.abs(np.diff(limited, axis=axis)).max() <= slope + 1e-3


def test_what_is_smooth_enough_stays() -> None:
    ramp = np.tile(np.linspace(0, 1, 50, dtype=np.float32), (20, 1))

    assert limit_slope(ramp, 0.05) == pytest.approx(ramp, abs=1e-3)


def test_the_unknown_is_filled_from_around_it() -> None:
    image = np.full((40, 60), 0.3, np.float32)
    known = np.ones_like(image)
    image[10:30, 20:40], known[10:30, 20:40] = 0.9, 0

    assert fill_smoothly(image, known) == pytest.approx(np.full_like(image, 0.3), abs=1e-3)


def test_a_guided_edge_lies_where_the_photo_has_it() -> None:
    photo = np.zeros((60, 60, 3), np.uint8)
    photo[:, 30:] = (200, 80, 40)
    misplaced = np.zeros((60, 60), np.float32)
    misplaced[:, 26:] = 1
    guided = guided_filter(photo, misplaced, radius=8, epsilon=1e-4)

    assert (guided[:, 30] - guided[:, 29]).min() > 0.3
    assert np.abs(guided[:, 27] - guided[:, 25]).max() < 0.15


def test_no_fringe_of_the_subject_stays_behind() -> None:
    size, centre = 200, 100
    rows, columns = np.mgrid[:size, :size]
    alpha = np.clip(41 - np.hypot(rows - centre, columns - centre), 0, 2).astype(np.float32) / 2
    red, blue = np.array([220, 20, 20]), np.array([20, 20, 220])
    photo = (alpha[..., None] * red + (1 - alpha[..., None]) * blue).round().astype(np.uint8)

    behind, subject = separate(
        photo, alpha, lambda image, hole: np.where(hole[..., None], blue, image).astype(np.uint8)
    )

    assert np.abs(behind.astype(int) - blue).max() <= 3
    edge = (alpha > 0.2) & (alpha < 0.8)
    colours = subject[edge][:, :3] / (subject[edge][:, 3:] / 255)
    assert np.abs(colours - red).mean() < 25 < np.abs(photo[edge] - red).mean()


def test_nothing_stands_out_in_an_empty_or_full_matte() -> None:
    photo = np.zeros((64, 64, 3), np.uint8)
    empty, full = np.zeros((64, 64), np.float32), np.ones((64, 64), np.float32)

    assert choose_subject(photo, empty, empty) is None
    assert choose_subject(photo, full, full) is None


def test_the_portrait_network_is_believed_only_where_both_agree() -> None:
    photo = np.random.default_rng(0).integers(0, 255, (128, 128, 3), np.uint8)
    salient, nonsense = np.zeros((128, 128), np.float32), np.zeros((128, 128), np.float32)
    salient[30:100, 30:100] = 1
    nonsense[0:40, 90:128] = 1
    subject = choose_subject(photo, salient, nonsense)

    assert subject is not None
    assert not subject.is_person
    assert subject.alpha[65, 65] == pytest.approx(1)
    assert subject.alpha[5, 120] == 0


def test_a_matte_of_fog_is_not_believed_unless_the_portrait_network_agrees() -> None:
    photo = np.random.default_rng(0).integers(0, 255, (128, 128, 3), np.uint8)
    fog = np.full((128, 128), 0.3, np.float32)
    fog[30:80, 30:80] = 1
    person = (fog == 1).astype(np.float32)
    agreed = choose_subject(photo, fog, person)

    assert choose_subject(photo, fog, np.zeros_like(fog)) is None
    assert agreed is not None
    assert agreed.is_person

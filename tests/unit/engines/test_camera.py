"""Camera paths and the words that choose them."""

from dataclasses import astuple

import numpy as np
import pytest

from serve.engines.parallax.camera import Pose, camera_path
from serve.engines.parallax.prompt import DEFAULT_MOVE, move_from_prompt
from serve.engines.parameters import CAMERAS, EASINGS, Camera, Easing, VideoParameters

MOVES = [camera for camera in CAMERAS if camera != "auto"]


def curves(move: Camera, **parameters: object) -> np.ndarray:
    return np.array([astuple(pose) for pose in camera_path(move, VideoParameters.model_validate(parameters))])


def without_pivot(pose: Pose) -> tuple[float, ...]:
    return astuple(pose)[:5]


@pytest.mark.parametrize("move", MOVES)
@pytest.mark.parametrize("loop", [False, True])
def test_every_path_starts_at_the_photo(move: Camera, loop: bool) -> None:
    path = camera_path(move, VideoParameters(loop=loop, seed=1))

    assert len(path) == 96
    assert without_pivot(path[0]) == pytest.approx(without_pivot(Pose()))


@pytest.mark.parametrize("move", [move for move in MOVES if move != "still"])
def test_every_move_moves_in_proportion_to_its_strength(move: Camera) -> None:
    weak, strong = (np.abs(np.diff(curves(move, strength=s, seed=1), axis=0)).sum() for s in (0.2, 0.8))

    assert strong == pytest.approx(4 * weak, rel=1e-6)
    assert np.abs(np.diff(curves(move, strength=0, seed=1), axis=0)).sum() == 0


@pytest.mark.parametrize("move", MOVES)
def test_a_loop_goes_on_where_it_ends(move: Camera) -> None:
    path = curves(move, loop=True, seed=1)
    steps = np.abs(np.diff(np.vstack((path, path[:1])), axis=0)).sum(axis=1)

    assert steps[-1] <= 2 * np.median(steps) + 1e-9


@pytest.mark.parametrize("move", [move for move in MOVES if move != "still"])
def test_a_loop_has_no_seam(move: Camera) -> None:
    """The step from the last frame to the first is like its neighbours, in length and in direction."""
    path = curves(move, loop=True, seed=1)
    steps = np.diff(np.vstack((path, path[:2])), axis=0)
    turns = np.abs(np.diff(steps, axis=0)).sum(axis=1)

    assert np.abs(steps[-2:]).sum(axis=1).max() <= np.abs(steps[:-2]).sum(axis=1).max() * 1.05
    assert turns[-2:].max() <= turns[:-2].max() * 1.05


@pytest.mark.parametrize("move", [move for move in MOVES if move != "still"])
@pytest.mark.parametrize("easing", ["smooth", "linear"])
def test_a_smooth_move_starts_and_ends_at_rest(move: Camera, easing: Easing) -> None:
    steps = np.abs(np.diff(curves(move, easing=easing, seed=1), axis=0)).sum(axis=1)
    at_rest = max(steps[0], steps[-1]) < 0.1 * steps.max()

    assert at_rest == (easing == "smooth")


@pytest.mark.parametrize("easing", EASINGS)
def test_easings_go_all_the_way(easing: Easing) -> None:
    assert curves("pan_right", easing=easing)[-1, 0] == pytest.approx(curves("pan_right", easing="linear")[-1, 0])


def test_easings_differ_in_where_they_are_fast() -> None:
    first, last = {}, {}
    for easing in EASINGS:
        steps = np.diff(curves("pan_right", easing=easing)[:, 0])
        first[easing], last[easing] = steps[0], steps[-1]

    assert first["smooth"] < first["linear"] < first["ease_out"]
    assert last["smooth"] < last["linear"] < last["ease_in"]


def test_a_seed_repeats_a_random_path() -> None:
    assert np.array_equal(curves("handheld", seed=5), curves("handheld", seed=5))
    assert not np.array_equal(curves("handheld", seed=5), curves("handheld", seed=6))
    assert not np.array_equal(curves("handheld"), curves("handheld"))


def test_directions_are_opposite() -> None:
    assert np.array_equal(curves("pan_left")[:, 0], -curves("pan_right")[:, 0])
    assert np.array_equal(curves("tilt_up")[:, 1], -curves("tilt_down")[:, 1])
    assert curves("pan_right")[-1, 0] > 0 > curves("tilt_up")[-1, 1]
    assert curves("dolly_in")[-1, 2] > 0 > curves("dolly_out")[-1, 2]


@pytest.mark.parametrize(
    ("prompt", "move"),
    [
        ("", DEFAULT_MOVE),
        ("a woman smiles", DEFAULT_MOVE),
        ("Slowly push in on her face", "dolly_in"),
        ("the camera zooms out, revealing the valley", "dolly_out"),
        ("pull back slowly", "dolly_out"),
        ("camera pans slowly to the left", "pan_left"),
        ("tracking RIGHT along the wall", "pan_right"),
        ("a slow pan", "pan_right"),
        ("tilt up to the sky", "tilt_up"),
        ("the shot tilts gently down", "tilt_down"),
        ("orbiting around the statue", "orbit"),
        ("circle around him", "orbit"),
        ("dolly zoom, like in Vertigo", "dolly_zoom"),
        ("shaky handheld footage", "handheld"),
        ("static shot, no camera movement", "still"),
        ("first pan left, then push in", "pan_left"),
        ("a panda in a company", DEFAULT_MOVE),
        ("her left hand and upright posture", DEFAULT_MOVE),
    ],
)
def test_words_choose_the_move(prompt: str, move: Camera) -> None:
    assert move_from_prompt(prompt) == move

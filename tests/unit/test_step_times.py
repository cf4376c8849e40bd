"""What is usual is learnt, kind by kind; only what is far from it is slow."""

import pytest

from cluster.settings import Jobs, configs_folder, read
from serve.step_times import SLOW, StepKind, StepTimes

BOUNDS: Jobs = read(configs_folder(), {}).jobs


def learnt(seconds: float, kind: StepKind = StepKind.FRAME) -> StepTimes:
    """A replica that has made many steps of that length."""
    step_times = StepTimes(BOUNDS)
    for _ in range(200):
        assert not step_times.took(kind, seconds)
    return step_times


def test_nothing_is_slow_before_anything_is_usual() -> None:
    step_times = StepTimes(BOUNDS)
    assert not step_times.took(StepKind.FRAME, 1000)
    assert step_times.patience(StepKind.FRAME) == BOUNDS.step_seconds


@pytest.mark.parametrize(("usual", "patience"), [(0.05, 20.0), (1.0, 30.0), (10.0, 60.0)])
def test_patience_follows_what_is_usual_between_two_bounds(usual: float, patience: float) -> None:
    assert learnt(usual).patience(StepKind.FRAME) == patience


def test_a_hundred_times_the_usual_is_slow_and_one_such_step_changes_nothing() -> None:
    step_times = learnt(0.1)
    assert step_times.took(StepKind.FRAME, 10)
    assert step_times.took(StepKind.FRAME, 10)
    assert not step_times.took(StepKind.FRAME, 0.1 * SLOW - 0.01)


def test_a_hiccup_of_quick_steps_is_not_slow() -> None:
    assert not learnt(0.001).took(StepKind.FRAME, 0.5)


def test_kinds_do_not_compare() -> None:
    step_times = learnt(0.1)
    assert not step_times.took(StepKind.PREPARATION, 10)
    assert step_times.patience(StepKind.PREPARATION) == BOUNDS.step_seconds


def test_reading_and_writing_have_nothing_usual() -> None:
    step_times = learnt(0.1, StepKind.OTHER)
    assert not step_times.took(StepKind.OTHER, 10)
    assert step_times.patience(StepKind.OTHER) == BOUNDS.step_seconds

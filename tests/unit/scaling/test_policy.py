"""The policy goes by the seconds of work that wait, and by nothing else; Serve's own cannot."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ray.serve.autoscaling_policy import default_autoscaling_policy
from ray.serve.config import AutoscalingConfig, AutoscalingContext

from serve.scaling import JOBS, SECONDS, WaitingSeconds, replicas

WITHIN, SLACK, MOST = 60.0, 0.5, 12
JOB_COUNTS, WORK = st.integers(0, 200), st.floats(0, 20_000)
POLICY = WaitingSeconds(seconds=WITHIN, slack=SLACK)


def context(jobs: int, seconds: float, now: int = 1, reports: int = 1) -> AutoscalingContext:
    """What Serve's controller gives a policy while so many jobs wait, all of them handed to Serve."""

    def points(value: float) -> dict[Any, Any]:
        newest = {"newest": [SimpleNamespace(timestamp=9.0, value=-1.0), SimpleNamespace(timestamp=20.0, value=value)]}
        older = {f"older-{n}": [SimpleNamespace(timestamp=19.0 - n, value=9e9)] for n in range(1, reports)}
        return older | newest if reports else {}

    named: dict[str, Any] = dict.fromkeys(
        ("deployment_id", "app_name", "last_scale_up_time", "last_scale_down_time", "current_time")
    )
    return AutoscalingContext(
        **named,
        deployment_name="VideoGeneration",
        current_num_replicas=now,
        target_num_replicas=now,
        running_replicas=[],
        total_num_requests=jobs,
        total_queued_requests=max(0, jobs - now),
        aggregated_metrics={},
        raw_metrics={JOBS: points(jobs), SECONDS: points(seconds)},
        capacity_adjusted_min_replicas=1,
        capacity_adjusted_max_replicas=MOST,
        policy_state={},
        config=AutoscalingConfig(min_replicas=1, max_replicas=MOST, target_ongoing_requests=1),
    )


def assert_work_decides(policy: Callable[[AutoscalingContext], tuple[int | float, dict[str, Any]]]) -> None:
    """Two jobs of ten minutes are worth more replicas than twenty of two seconds."""
    two_long, _ = policy(context(2, 2 * 600))
    twenty_short, _ = policy(context(20, 20 * 2))
    assert two_long > twenty_short


def test_two_long_jobs_are_worth_more_than_twenty_short_ones() -> None:
    assert_work_decides(POLICY)
    assert POLICY(context(2, 2 * 600))[0] == 2
    assert POLICY(context(20, 20 * 2))[0] == 1


def test_serves_own_policy_takes_twenty_short_jobs_for_more() -> None:
    with pytest.raises(AssertionError):
        assert_work_decides(default_autoscaling_policy)


@given(jobs=JOB_COUNTS, less=WORK, more=WORK, now=st.integers(0, 50))
def test_more_work_is_never_worth_less(jobs: int, less: float, more: float, now: int) -> None:
    less, more = sorted((less, more))
    assert replicas(jobs, less, now, WITHIN, SLACK) <= replicas(jobs, more, now, WITHIN, SLACK)
    assert replicas(jobs, less, now, WITHIN, SLACK) <= replicas(jobs + 1, less, now, WITHIN, SLACK)


@given(jobs=JOB_COUNTS, seconds=WORK, now=st.integers(1, MOST))
def test_the_bounds_are_kept_and_no_replica_is_without_a_job(jobs: int, seconds: float, now: int) -> None:
    wanted, _ = POLICY(context(jobs, seconds, now))
    assert 1 <= wanted <= min(MOST, max(1, jobs))


@given(jobs=JOB_COUNTS, seconds=WORK, now=st.integers(1, 50))
def test_what_was_decided_is_not_decided_again(jobs: int, seconds: float, now: int) -> None:
    wanted = replicas(jobs, seconds, now, WITHIN, SLACK)
    assert replicas(jobs, seconds, wanted, WITHIN, SLACK) == wanted


@given(seconds=st.floats(WITHIN, 20_000), swing=st.floats(0.5001, 1))
def test_work_about_a_threshold_stops_nothing(seconds: float, swing: float) -> None:
    many = 10_000
    grown = replicas(many, seconds, 0, WITHIN, SLACK)
    assert replicas(many, seconds * swing, grown, WITHIN, SLACK) == grown


def test_without_work_there_are_none_to_spare() -> None:
    assert replicas(0, 0, 7, WITHIN, SLACK) == 0
    assert POLICY(context(0, 0, 7))[0] == 1


def test_the_newest_report_counts_and_without_one_nothing_changes() -> None:
    assert POLICY(context(2, 1200, reports=3))[0] == 2
    assert POLICY(context(2, 1200, now=5, reports=0))[0] == 5

"""What the deployments count and time, each replica for itself; Ray adds them up and serves them per node.

Prometheus sees each name with ``ray_`` before it. What several replicas would count twice, or a killed one would
forget, is not counted here but read from the database: `serve.metrics.gauges`.
"""

from enum import StrEnum
from functools import cache
from typing import Final, cast

from ray.serve.metrics import Counter, Histogram

from cluster import errors
from cluster.errors import ServiceError
from cluster.records.job_states import Stage
from serve.failures import FAILURES
from serve.metrics.closed import OTHER, Metric, closed_set, member
from serve.step_times import StepKind

__all__ = ["COUNTED", "Loss", "Outcome", "attempted", "ended", "lost", "reason", "refused", "rejected", "slow"]


class Outcome(StrEnum):
    """How a stage ended on the replica that did it."""

    DONE = "done"
    STOPPED = "stopped"
    """Its lease had ended, or it was told to stop."""
    REJECTED = "rejected"
    FAILED = "failed"
    OUT_OF_MEMORY = "out_of_memory"


class Loss(StrEnum):
    """Why a job was taken from whoever worked on it."""

    BROKEN = "broken"
    """The call to the replica broke off or took too long."""
    SILENT = "silent"
    """Its heartbeat stopped."""
    GIVEN_UP = "given_up"
    """The replica gave it up itself: the work stood still, took too long in all, or took too much memory."""


RejectionCode: Final = closed_set("RejectionCode", FAILURES)
RefusalCode: Final = closed_set("RefusalCode", sorted({getattr(errors, name).code for name in errors.__all__}))

ATTEMPTS: Final = Metric("i2v_stage_attempts_total", "Attempts at a stage that a replica has begun.", {"stage": Stage})
STAGES_ENDED: Final = Metric("i2v_stages_ended_total", "Stages that ended.", {"stage": Stage, "outcome": Outcome})
STAGE_SECONDS: Final = Metric("i2v_stage_seconds", "Time that a stage took, in seconds.", {"stage": Stage})
LEASE_LOSSES: Final = Metric(
    "i2v_lease_losses_total", "Stages taken from whoever worked on them.", {"stage": Stage, "cause": Loss}
)
SLOW_STEPS: Final = Metric(
    "i2v_slow_steps_total", "Steps that took far longer than is usual.", {"stage": Stage, "kind": StepKind}
)
REJECTIONS: Final = Metric("i2v_rejections_total", "Jobs that a stage rejected, by reason.", {"code": RejectionCode})
REFUSALS: Final = Metric("i2v_refusals_total", "Requests answered with an error, by reason.", {"code": RefusalCode})

COUNTED: Final = (ATTEMPTS, STAGES_ENDED, STAGE_SECONDS, LEASE_LOSSES, SLOW_STEPS, REJECTIONS, REFUSALS)

_BOUNDARIES: Final = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 900]


def attempted(stage: Stage) -> None:
    """A replica has begun a stage."""
    _count(ATTEMPTS, stage=stage)


def ended(stage: Stage, outcome: Outcome, seconds: float) -> None:
    """A stage has ended after so many seconds."""
    _count(STAGES_ENDED, stage=stage, outcome=outcome)
    _histogram(STAGE_SECONDS).observe(seconds, STAGE_SECONDS.tags(stage=stage))


def lost(stage: Stage, cause: Loss) -> None:
    """A stage was taken from whoever worked on it."""
    _count(LEASE_LOSSES, stage=stage, cause=cause)


def slow(stage: Stage, kind: StepKind) -> None:
    """A step took far longer than is usual for its kind."""
    _count(SLOW_STEPS, stage=stage, kind=kind)


def rejected(code: str) -> None:
    """A stage has rejected a job for this reason, one of `serve.failures`."""
    _count(REJECTIONS, code=member(RejectionCode, code))


def refused(error: ServiceError) -> None:
    """A request is answered with this error."""
    _count(REFUSALS, code=reason(error))


def reason(error: ServiceError) -> StrEnum:
    """The code of the nearest class in `cluster.errors`, whatever code this one error was given."""
    kind = next(kind for kind in type(error).__mro__ if kind.__module__ == errors.__name__)
    return member(RefusalCode, getattr(kind, "code", OTHER))


def _count(metric: Metric, **labels: StrEnum) -> None:
    _counter(metric.name, metric.meaning, tuple(metric.labels)).inc(1, metric.tags(**labels))


@cache
def _counter(name: str, meaning: str, labels: tuple[str, ...]) -> Counter:
    return Counter(name, meaning, tag_keys=cast("tuple[str]", labels))


@cache
def _of_seconds(name: str, meaning: str, labels: tuple[str, ...]) -> Histogram:
    return Histogram(name, meaning, boundaries=_BOUNDARIES, tag_keys=cast("tuple[str]", labels))


def _histogram(metric: Metric) -> Histogram:
    return _of_seconds(metric.name, metric.meaning, tuple(metric.labels))

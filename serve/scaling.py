"""How many replicas the waiting work is worth: a pure policy, which Serve's controller asks about ten times a second.

The default policy of Serve counts requests. Here waiting is in PostgreSQL, and two long videos are more work than
twenty short ones, so what counts is the seconds of work that the replicas report.
"""

import math
from collections.abc import Mapping
from typing import Any

from ray.serve.config import AutoscalingContext

__all__ = ["JOBS", "SECONDS", "WaitingSeconds", "replicas"]

JOBS = "waiting_jobs"
SECONDS = "waiting_seconds"


def replicas(jobs: float, seconds: float, now: int, within: float, slack: float) -> int:
    """As many as end the work ``within`` that time, and never more than there are jobs.

    There is no going down before fewer replicas would end it in ``1 - slack`` of that time, so that work about a
    threshold does not start and stop replicas in turn.
    """
    needed = min(math.ceil(jobs), math.ceil(seconds / within))
    kept = min(math.ceil(jobs), math.ceil(seconds / (within * (1 - slack))))
    return max(needed, min(now, kept))


class WaitingSeconds:
    """The policy as Serve calls it, within the bounds of the deployment; Serve itself keeps to its delays."""

    def __init__(self, seconds: float, slack: float) -> None:
        """All that waits shall be done within ``seconds``; for ``slack`` see `replicas`."""
        self.seconds, self.slack = seconds, slack

    def __call__(self, context: AutoscalingContext) -> tuple[int, dict[str, Any]]:
        """How many replicas there should be; as many as now while none of them has reported."""
        jobs, seconds = _latest(context.raw_metrics, JOBS), _latest(context.raw_metrics, SECONDS)
        now = context.target_num_replicas
        if jobs is None or seconds is None:
            return now, {}
        wanted = replicas(jobs, seconds, now, self.seconds, self.slack)
        return min(max(wanted, context.capacity_adjusted_min_replicas), context.capacity_adjusted_max_replicas), {}


def _latest(metrics: Mapping[str, Mapping[Any, Any]] | None, name: str) -> float | None:
    """What was reported last, whichever replica reported it: all of them read the same database."""
    points = [points[-1] for points in (metrics or {}).get(name, {}).values() if points]
    return float(max(points, key=lambda point: point.timestamp).value) if points else None

"""How long a stage still takes, judged by the steps that were seen so far."""

import math

from cluster.records.job_states import Stage
from cluster.records.standings import Standing

__all__ = ["StageEta"]


class StageEta:
    """When one job's present stage ends, by its pace since the first step that was seen of it."""

    def __init__(self) -> None:
        """Nothing was seen yet."""
        self._stage: Stage | None = None
        self._step, self._at = 0, 0.0

    def seconds_left(self, standing: Standing, now: float) -> int | None:
        """Seconds until the last step of the stage; None until two different steps of it were seen."""
        if standing.stage is not self._stage or standing.step < self._step:
            self._stage, self._step, self._at = standing.stage, standing.step, now
        done = standing.step - self._step
        if not done:
            return None
        return math.ceil((standing.steps - standing.step) * (now - self._at) / done)

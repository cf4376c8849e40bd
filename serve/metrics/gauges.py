"""What is read from the database, and from the certificate, at the moment when Prometheus asks."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Final

from prometheus_client import Metric as Family
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from typing_extensions import override

from cluster import clock, telemetry
from cluster.records import job_figures, sweeps
from cluster.records.job_figures import JobFigures
from cluster.records.job_states import JobState
from cluster.storage import certificates
from cluster.storage.database import Database
from serve.failures import FAILURES
from serve.metrics.closed import Metric, closed_set, member

__all__ = ["RECENTLY", "Gauges"]

RECENTLY: Final = timedelta(hours=1)

_Samples = list[tuple[Mapping[str, StrEnum], float]]
_FailureCode: Final = closed_set("FailureCode", FAILURES)

DATABASE_UP: Final = Metric("i2v_database_up", "Whether the figures of jobs could be read from the database.")
CERTIFICATE_ENDS: Final = Metric("i2v_certificate_ends_timestamp_seconds", "When the edge's certificate expires.")
ACTIVE: Final = Metric("i2v_jobs_active", "Jobs that wait or run.", {"state": JobState})
ENDED: Final = Metric("i2v_jobs_ended_recently", "Jobs that ended within the last hour.", {"state": JobState})
FAILED: Final = Metric("i2v_jobs_failed_recently", "Jobs that failed within the last hour.", {"code": _FailureCode})
SWEEP_AGE: Final = Metric("i2v_sweep_age_seconds", "Time since a sweep ended well, or since this began if none has.")
LEASE_SILENCE: Final = Metric("i2v_lease_silence_seconds", "Time since the oldest heartbeat of a running stage.")


class Gauges(Collector):
    """Collects them; ``models`` are the models of this installation."""

    def __init__(self, database: Database, certificate: Path, models: Iterable[str]) -> None:
        """Nothing is read before it is asked for."""
        self._database, self._certificate, self._since = database, certificate, clock.now()
        self._model = closed_set("Model", models)
        label = {"model": self._model}
        self._waiting = Metric("i2v_queue_jobs", "Jobs that nobody has begun.", label)
        self._age = Metric("i2v_queue_age_seconds", "Age of the oldest job that nobody has begun.", label)
        self._sum = Metric("i2v_queue_waiting_seconds", "Ages of all jobs that nobody has begun, added up.", label)

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """Every gauge that there can be."""
        queues = (self._waiting, self._age, self._sum)
        return (DATABASE_UP, CERTIFICATE_ENDS, ACTIVE, ENDED, FAILED, LEASE_SILENCE, SWEEP_AGE, *queues)

    def describe(self) -> Iterable[Family]:
        """Prometheus's client asks for names before there is a database; they collide with none."""
        return ()

    @override
    def collect(self) -> Iterator[Family]:
        """The gauges of this moment. Without the database only those that need none, and that it is down."""
        ends = certificates.expiry(self._certificate)
        if ends is not None:
            yield _family(CERTIFICATE_ENDS, [({}, ends.timestamp())])
        try:
            figures = self._database.run(job_figures.read, RECENTLY)
            swept = self._database.run(sweeps.read).succeeded_at
        except Exception as error:
            telemetry.log_failure("figures_unread", error)
            yield _family(DATABASE_UP, [({}, 0)])
        else:
            yield _family(DATABASE_UP, [({}, 1)])
            yield from self._of_jobs(figures)
            yield _family(SWEEP_AGE, [({}, (clock.now() - (swept or self._since)).total_seconds())])

    def _of_jobs(self, figures: JobFigures) -> Iterator[Family]:
        yield _family(ACTIVE, [({"state": state}, number) for state, number in figures.active.items()])
        yield _family(ENDED, [({"state": state}, number) for state, number in figures.ended.items()])
        failed = _summed(_FailureCode, figures.failed)
        yield _family(FAILED, [({"code": code}, number) for code, number in failed.items()])
        yield _family(LEASE_SILENCE, [({}, figures.silent_seconds)])
        queues = figures.queues.items()
        yield self._by_model(self._waiting, _summed(self._model, {model: queue.jobs for model, queue in queues}))
        ages = {member(self._model, model): queue.age_seconds for model, queue in queues}
        yield self._by_model(self._age, dict.fromkeys(self._model, 0.0) | ages)
        waiting = {model: queue.waiting_seconds for model, queue in queues}
        yield self._by_model(self._sum, _summed(self._model, waiting))

    def _by_model(self, metric: Metric, values: Mapping[StrEnum, float]) -> Family:
        return _family(metric, [({"model": model}, value) for model, value in values.items()])


def _summed(of: type[StrEnum], values: Mapping[str, float]) -> dict[StrEnum, float]:
    """Each member with what belongs to it; what belongs to none of them by name, to the last."""
    found: dict[StrEnum, float] = dict.fromkeys(of, 0)
    for value, amount in values.items():
        found[member(of, value)] += amount
    return found


def _family(metric: Metric, samples: _Samples) -> Family:
    family = GaugeMetricFamily(metric.name, metric.meaning, labels=list(metric.labels))
    for labels, value in samples:
        family.add_metric(list(metric.tags(**labels).values()), value)
    return family

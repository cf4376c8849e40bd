"""The gauges say what the database says, to a role that sees no person, and say so when they cannot be read."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from cluster import runtime
from cluster.records import lifecycle
from cluster.records.job_states import Stage
from cluster.runtime.operators_port import OperatorsPort, metrics_url
from cluster.runtime.service import ServiceFailed
from cluster.settings import Settings
from cluster.storage import certificates
from cluster.storage.database import Database
from cluster.storage.privileges import DatabaseRole
from serve.metrics.gauges import Gauges
from tests.cluster import _ports
from tests.world import World


@pytest.fixture
def gauges(settings: Settings, tmp_path: Path) -> Iterator[Gauges]:
    """The gauges as the supervisor makes them, over the database of the test."""
    certificate = tmp_path / "certificate.pem"
    certificates.ensure_self_signed(certificate, ["localhost"])
    database = Database(runtime.database_url(settings, DatabaseRole.MONITOR), 1, "test")
    yield Gauges(database, certificate, ["default"])
    database.close()


def value(gauges: Gauges, name: str, **labels: str) -> float | None:
    """What Prometheus would see now."""
    registry = CollectorRegistry()
    registry.register(gauges)
    return registry.get_sample_value(name, labels)


def age(world: World, job_id: str, seconds: int) -> None:
    """Make a job older."""
    earlier = f"created_at - interval '{seconds} seconds'"
    world.sql(f"UPDATE jobs SET created_at = {earlier} WHERE id = :id", id=job_id)


def test_of_an_empty_queue_every_series_is_there(gauges: Gauges, world: World) -> None:
    assert value(gauges, "i2v_database_up") == 1
    assert value(gauges, "i2v_queue_jobs", model="default") == 0
    assert value(gauges, "i2v_queue_age_seconds", model="default") == 0
    assert value(gauges, "i2v_jobs_failed_recently", code="worker_lost") == 0
    assert value(gauges, "i2v_jobs_ended_recently", state="completed") == 0


def test_waiting_jobs_count_by_model_with_their_ages(gauges: Gauges, world: World) -> None:
    account = world.account()
    for seconds in (100, 300):
        age(world, world.job(account), seconds)
    age(world, world.job(account), 50)
    world.sql("UPDATE jobs SET model = 'ada@example.org' WHERE created_at = (SELECT max(created_at) FROM jobs)")
    assert value(gauges, "i2v_jobs_active", state="queued") == 3
    assert value(gauges, "i2v_queue_jobs", model="default") == 2
    assert value(gauges, "i2v_queue_jobs", model="other") == 1
    assert value(gauges, "i2v_queue_age_seconds", model="default") == pytest.approx(300, abs=20)
    assert value(gauges, "i2v_queue_waiting_seconds", model="default") == pytest.approx(400, abs=40)


def test_ended_jobs_count_by_state_and_failures_by_code_for_an_hour(gauges: Gauges, world: World) -> None:
    account = world.account()
    failed, _ = (world.job(account) for _ in range(2))
    first, second = world.claim(ingestion=2)
    lease = first if first.job_id == failed else second
    assert value(gauges, "i2v_jobs_active", state="in_progress") == 2
    assert world.run(lifecycle.fail, lease, "internal")
    assert value(gauges, "i2v_jobs_active", state="in_progress") == 1
    assert value(gauges, "i2v_jobs_ended_recently", state="failed") == 1
    assert value(gauges, "i2v_jobs_failed_recently", code="internal") == 1
    world.sql("UPDATE jobs SET completed_at = completed_at - interval '61 minutes' WHERE id = :id", id=failed)
    assert value(gauges, "i2v_jobs_ended_recently", state="failed") == 0
    assert value(gauges, "i2v_jobs_failed_recently", code="internal") == 0


def test_a_silent_lease_shows(gauges: Gauges, world: World) -> None:
    world.job(world.account())
    (lease,) = world.claim(ingestion=1)
    assert lease.stage == Stage.INGESTION
    world.sql("UPDATE leases SET heartbeat_at = heartbeat_at - interval '40 seconds'")
    assert value(gauges, "i2v_lease_silence_seconds") == pytest.approx(40, abs=20)


def test_the_end_of_the_certificate_shows(gauges: Gauges, world: World, tmp_path: Path) -> None:
    ends = certificates.expiry(tmp_path / "certificate.pem")
    assert ends is not None
    assert value(gauges, "i2v_certificate_ends_timestamp_seconds") == ends.timestamp()
    (tmp_path / "certificate.pem").unlink()
    assert value(gauges, "i2v_certificate_ends_timestamp_seconds") is None


def test_without_the_database_it_says_so(tmp_path: Path) -> None:
    unreachable = Gauges(Database("postgresql://nobody@127.0.0.1:1/none", 1, "test"), tmp_path / "none", ["default"])
    assert value(unreachable, "i2v_database_up") == 0
    assert value(unreachable, "i2v_queue_jobs", model="default") is None


def test_the_port_answers_in_prometheuss_format_on_the_loopback(
    gauges: Gauges, world: World, settings: Settings
) -> None:
    block = _ports.take()
    try:
        chosen = settings.model_copy(update={"metrics": settings.metrics.model_copy(update={"port": block.first})})
        port = OperatorsPort(chosen, lambda: gauges)
        port.start()
        assert port.works()
        answer = httpx.get(metrics_url(chosen))
        names = {family.name for family in text_string_to_metric_families(answer.text)}
        assert names == {metric.name for metric in gauges.metrics}
        assert httpx.get(f"http://127.0.0.1:{block.first}/favicon.ico").text == ""
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"http://127.0.0.2:{block.first}/metrics")
        with pytest.raises(ServiceFailed, match=r"metrics\.port"):
            OperatorsPort(chosen, lambda: gauges).start()
        port.stop()
        assert not port.works()
    finally:
        block.release()

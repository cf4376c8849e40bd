"""A job moves the figures that operators see, on their own port and on Ray's; no public port shows any."""

import time

import httpx
import psutil
from prometheus_client.parser import text_string_to_metric_families

from cluster.runtime.environment import Port, port
from cluster.runtime.operators_port import metrics_url
from tests.cluster._waiting import until
from tests.cluster.conftest import Account, RunningCluster
from tests.cluster.test_main_job import create

STAGES = {"ingestion", "input_screening", "generation", "output_screening", "publish"}
PATIENCE = 120.0
"""Replicas hand their counts to Ray every ten seconds, and Ray's agent passes them on after about as long."""


def total(text: str, name: str, **labels: str) -> float:
    """The sum of all samples of that name with those labels."""
    return sum(
        sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    )


def counted(cluster: RunningCluster) -> str:
    """What Ray serves of this node."""
    return httpx.get(
        f"http://{cluster.settings.ray.node_address}:{port(cluster.settings, Port.METRICS)}/metrics", timeout=10
    ).text


def shown(cluster: RunningCluster) -> str:
    """What the operators' port serves."""
    return httpx.get(metrics_url(cluster.settings), timeout=10).text


def stages_done(text: str) -> dict[str, float]:
    """How often each stage ended well."""
    return {each: total(text, "ray_i2v_stages_ended_total", stage=each, outcome="done") for each in STAGES}


def has_moved(text: str, before: dict[str, float]) -> bool:
    """Whether every replica has passed on what it counted since ``before``, the stages that had ended well by then."""
    done = stages_done(text)
    return total(text, "ray_i2v_refusals_total", code="invalid_api_key") > 0 and all(
        total(text, name, stage=stage) >= done[stage] > number
        for stage, number in before.items()
        for name in ("ray_i2v_stage_attempts_total", "ray_i2v_stage_seconds_count")
    )


def test_a_job_moves_the_figures(cluster: RunningCluster, account: Account) -> None:
    before, gauges = stages_done(counted(cluster)), shown(cluster)
    assert total(gauges, "i2v_database_up") == 1
    assert total(gauges, "i2v_certificate_ends_timestamp_seconds") > time.time()
    video = create(account)
    assert video.status == "completed"
    assert httpx.get(f"{cluster.url}/v1/videos/nobodys").status_code == 401
    completed = total(gauges, "i2v_jobs_ended_recently", state="completed")
    assert total(shown(cluster), "i2v_jobs_ended_recently", state="completed") == completed + 1

    until(lambda: has_moved(counted(cluster), before), PATIENCE, every=1)
    everything = counted(cluster) + shown(cluster)
    assert "i2v_jobs_active" in everything
    assert account.id not in everything
    assert video.id not in everything


def test_no_public_port_shows_metrics(cluster: RunningCluster, account: Account) -> None:
    assert httpx.get(f"{cluster.url}/metrics").status_code == 404
    assert account.http.get("/metrics").status_code == 404


def test_the_operators_port_listens_on_the_loopback_alone(cluster: RunningCluster) -> None:
    assert listening(cluster.settings.http.port)
    assert listening(cluster.settings.metrics.port) == {"127.0.0.1"}


def listening(number: int) -> set[str]:
    """The addresses of this host on which that port listens."""
    found = (each.laddr for each in psutil.net_connections(kind="tcp") if each.status == psutil.CONN_LISTEN)
    return {place.ip for place in found if place and place.port == number}

"""The application: the only place where deployments are bound to each other."""

from typing import Any

from ray import cluster_resources
from ray import serve as ray_serve
from ray.serve import Application

from cluster import settings as cluster_settings
from cluster.records.job_states import Stage
from cluster.settings import Settings
from serve.director import Director
from serve.ingestion import Ingestion
from serve.ingress import send_buffer
from serve.ingress.deployment import Ingress
from serve.outbound import Outbound
from serve.screening import Screening
from serve.video_generation import VideoGeneration

__all__ = ["build", "build_app"]

_STREAMS = 4096
_LIGHT: dict[str, Any] = {"num_cpus": 0}
_SOON_REPLACED: dict[str, Any] = {"health_check_period_s": 2, "health_check_timeout_s": 10}
"""For the stages: a replica that has ended itself is missed within two seconds, a silent one within thirty."""
_NOTHING_RUNS_AHEAD = {
    "RAY_SERVE_RUN_USER_CODE_IN_SEPARATE_THREAD": "0",
    "RAY_SERVE_HTTP_PROXY_CALLBACK_IMPORT_PATH": f"{send_buffer.__name__}.{send_buffer.middlewares.__name__}",
}
"""For the ingress. Serve otherwise queues without limit what an application sends, between its loop and the server's: a
download that nobody takes would lie in memory whole, past every later look at whether it may be sent."""


def build(settings: Settings, device: str) -> Application:
    """The whole service. ``device`` is where in-house engines run: `cpu` or `cuda`."""
    stages = settings.stages
    generating = {"num_cpus": 0, "num_gpus": 1 if device == "cuda" else 0}
    ingestion = ray_serve.deployment(
        ray_actor_options=_LIGHT, max_ongoing_requests=stages.ingestion_slots, **_SOON_REPLACED
    )(Ingestion)
    screening = ray_serve.deployment(
        ray_actor_options=_LIGHT, max_ongoing_requests=2 * stages.screening_slots, **_SOON_REPLACED
    )(Screening)
    generation = ray_serve.deployment(
        ray_actor_options=generating, max_ongoing_requests=1, num_replicas=stages.generation_slots, **_SOON_REPLACED
    )(VideoGeneration)
    outbound = ray_serve.deployment(ray_actor_options=_LIGHT, max_ongoing_requests=_STREAMS)(Outbound)
    director = ray_serve.deployment(ray_actor_options=_LIGHT, max_ongoing_requests=_STREAMS)(Director)
    ingress = ray_serve.deployment(
        ray_actor_options=_LIGHT | {"runtime_env": {"env_vars": _NOTHING_RUNS_AHEAD}},
        max_ongoing_requests=_STREAMS,
        num_replicas=stages.ingress_replicas,
    )(Ingress)
    screening_node = screening.bind()
    workers = {
        Stage.INGESTION.value: ingestion.bind(),
        Stage.INPUT_SCREENING.value: screening_node,
        Stage.GENERATION.value: generation.bind(device),
        Stage.OUTPUT_SCREENING.value: screening_node,
    }
    return ingress.bind(director.bind(workers), outbound.bind())


def build_app() -> Application:
    """What Serve's configuration names as import path: the settings of this cluster, on the devices that it has."""
    settings = cluster_settings.load()
    device = settings.stages.generation_device
    if device == "auto":
        device = "cuda" if cluster_resources().get("GPU") else "cpu"
    return build(settings, device)

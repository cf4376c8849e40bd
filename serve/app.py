"""The application: the only place where deployments are bound to each other."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from ray import cluster_resources
from ray import serve as ray_serve
from ray.serve import Application

from cluster import settings as cluster_settings
from cluster.privacy import infrastructure
from cluster.records.job_states import Stage
from cluster.settings import Settings
from serve import deployments
from serve.director import Director
from serve.ingestion import Ingestion
from serve.ingress import send_buffer
from serve.ingress.deployment import Ingress
from serve.outbound import Outbound
from serve.screening import Screening
from serve.video_generation import VideoGeneration

__all__ = ["build", "build_app", "wants_gpus"]

_NOTHING_RUNS_AHEAD = {
    "RAY_SERVE_RUN_USER_CODE_IN_SEPARATE_THREAD": "0",
    "RAY_SERVE_HTTP_PROXY_CALLBACK_IMPORT_PATH": f"{send_buffer.__name__}.{send_buffer.middlewares.__name__}",
}
"""For the ingress. Serve otherwise queues without limit what an application sends, between its loop and the server's: a
download that nobody takes would lie in memory whole, past every later look at whether it may be sent."""


def build(settings: Settings, gpus: bool, generation: type[VideoGeneration] = VideoGeneration) -> Application:
    """The whole service. With ``gpus``, each replica of ``generation`` takes a GPU, unless the settings say otherwise.

    Raises:
        SettingsError: a deployment's options are not valid, or data would lie with somebody who is not listed.
    """
    deployments.check(settings)
    infrastructure.check(settings)
    screening = _deployment(settings, Screening, "screening").bind()
    ingestion = _deployment(settings, Ingestion, "ingestion").bind()
    workers = {
        Stage.INGESTION.value: ingestion,
        Stage.INPUT_SCREENING.value: screening,
        Stage.GENERATION.value: _deployment(settings, generation, "video_generation", _gpus(gpus)).bind(),
        Stage.RECEPTION.value: ingestion,
        Stage.OUTPUT_SCREENING.value: screening,
    }
    ingress = _deployment(settings, Ingress, "ingress", {"runtime_env": {"env_vars": _NOTHING_RUNS_AHEAD}})
    director = _deployment(settings, Director, "director").bind(workers)
    outbound = _deployment(settings, Outbound, "outbound").bind()
    application: Application = ingress.bind(director, outbound)
    return application


def build_app(_: Mapping[str, Any] = MappingProxyType({})) -> Application:
    """What Serve's configuration names as import path: the settings of this cluster, on the devices that it has.

    Serve itself calls it with the arguments of its configuration; there are none.
    """
    settings = cluster_settings.load()
    return build(settings, wants_gpus(settings))


def wants_gpus(settings: Settings) -> bool:
    """Whether engines run on GPUs in this cluster."""
    wanted = settings.stages.generation_device
    return wanted == "cuda" or (wanted == "auto" and cluster_resources().get("GPU", 0) > 0)


def _gpus(wanted: bool) -> dict[str, Any]:
    return {"num_gpus": 1} if wanted else {}


def _deployment(settings: Settings, of: type[Any], name: str, usual: Mapping[str, Any] = MappingProxyType({})) -> Any:
    """A deployment with the options that the settings give it; ``usual`` is what its actors have unless they say so."""
    options = deployments.options(settings, name)
    options["ray_actor_options"] = {**usual, **options["ray_actor_options"]}
    return ray_serve.deployment(**options)(of)

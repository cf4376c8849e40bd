"""Where a replica computes: on the GPU that it was given, if there really is one."""

from typing import Literal

import ray

from cluster import telemetry
from cluster.settings import Settings

__all__ = ["Device", "of_this_replica"]

Device = Literal["cpu", "cuda"]


def of_this_replica(settings: Settings) -> Device:
    """The device of this process. A GPU that is declared but cannot be used leaves the CPU, and a line in the log."""
    if settings.stages.generation_device != "auto":
        return settings.stages.generation_device
    if not _has_gpu():
        return "cpu"
    if _is_usable():
        return "cuda"
    telemetry.log("gpu_unusable", deployment="video_generation")
    return "cpu"


def _has_gpu() -> bool:
    """Whether Ray gave this replica a GPU."""
    return ray.is_initialized() and bool(ray.get_runtime_context().get_accelerator_ids().get("GPU"))


def _is_usable() -> bool:
    import torch

    return bool(torch.cuda.is_available())

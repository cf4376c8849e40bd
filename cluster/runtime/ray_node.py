"""What every node of the Ray cluster is started with, the head and those that join it."""

import sys
from collections.abc import Mapping
from pathlib import Path

from cluster.runtime.environment import Port, port
from cluster.settings import Settings

__all__ = ["command", "join_command", "ray_command"]


def ray_command() -> str:
    """The `ray` of this Python environment."""
    return str(Path(sys.executable).with_name("ray"))


def command(settings: Settings, flag: str, more: Mapping[str, object]) -> list[str]:
    """`ray start` with every port of a node named; ``more`` are options beyond those of every node."""
    ray = settings.ray
    options = {
        "node-ip-address": ray.node_address,
        "object-manager-port": port(settings, Port.OBJECT_MANAGER),
        "node-manager-port": port(settings, Port.NODE_MANAGER),
        "dashboard-agent-listen-port": port(settings, Port.AGENT_HTTP),
        "dashboard-agent-grpc-port": port(settings, Port.AGENT_GRPC),
        "runtime-env-agent-port": port(settings, Port.RUNTIME_ENV_AGENT),
        "metrics-export-port": port(settings, Port.METRICS),
        "min-worker-port": port(settings, Port.FIRST_WORKER),
        "max-worker-port": port(settings, Port.LAST_WORKER),
        "object-store-memory": ray.object_store_bytes,
        **({} if ray.gpus is None else {"num-gpus": ray.gpus}),
        **more,
    }
    return [
        ray_command(),
        "start",
        flag,
        "--disable-usage-stats",
        "--log-color=false",
        *(f"--{name}={value}" for name, value in options.items()),
    ]


def join_command(settings: Settings, head: str) -> list[str]:
    """`ray start` for another node, which ends with it. ``head`` is the address of the head's control store."""
    return command(settings, "--block", {"address": head})

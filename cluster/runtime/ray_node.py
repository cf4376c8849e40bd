"""What every node of the Ray cluster is started with, the head and those that join it."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path

from cluster.deploy.pods import OUTBOUND
from cluster.runtime.environment import Port, port
from cluster.settings import Settings

__all__ = ["command", "join_command", "offer", "ray_command"]


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


def offer(outbound: bool) -> dict[str, str]:
    """The option by which a node says that it may reach the outside; none where it may not."""
    return {"resources": json.dumps({OUTBOUND: 1})} if outbound else {}


def join_command(settings: Settings, head: str, outbound: bool) -> list[str]:
    """`ray start` for another node, which ends with it. ``head`` is the address of the head's control store.

    A node that is there for the way ``outbound`` declares no CPU: in production everything else asks for some.
    """
    way_out = {"num-cpus": 0, **offer(outbound)} if outbound else {}
    return command(settings, "--block", {"address": head, **way_out})

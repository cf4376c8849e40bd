"""The short-lived driver that deploys the application: imports first, then waits for a line, then deploys.

An application that is there already is left as it is: a second deployment would replace its replicas.
"""

import importlib
import sys

import ray
from ray import serve as ray_serve
from ray.serve.schema import LoggingConfig

from cluster import settings as cluster_settings
from cluster import telemetry
from cluster.runtime.ray_head import address
from cluster.settings import Settings

__all__ = ["NAME", "deploy"]

NAME = "i2v"


def deploy(settings: Settings) -> None:
    """Deploy what the settings name, and wait until all its replicas run."""
    module, _, function = settings.ray.application.partition(":")
    build = getattr(importlib.import_module(module), function)
    ray.init(address=address(settings), namespace="serve", log_to_driver=False)
    http_options = {"host": settings.http.host, "port": settings.http.port}
    # Serve would log a line for each request, with its path.
    quiet = LoggingConfig(enable_access_log=False)
    ray_serve.start(proxy_location="HeadOnly", http_options=http_options, logging_config=quiet)
    if NAME not in ray_serve.status().applications:
        ray_serve.run(build(), name=NAME, route_prefix="/", logging_config=quiet)


def main() -> None:
    """Wait for the word, then deploy."""
    settings = cluster_settings.load()
    if sys.stdin.readline():
        deploy(settings)
        telemetry.log("deployed", service=settings.ray.application)


if __name__ == "__main__":
    main()

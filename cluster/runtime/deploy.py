"""The short-lived driver that deploys the application: imports first, then waits for a line, then deploys.

An application that is there already is left as it is: a second deployment would replace its replicas.
"""

import importlib
import sys
from collections.abc import Callable

import ray
from ray import serve as ray_serve
from ray.serve import Application
from ray.serve.schema import LoggingConfig

from cluster import settings as cluster_settings
from cluster import telemetry
from cluster.runtime import offers
from cluster.runtime.ray_head import address
from cluster.settings import Settings

__all__ = ["NAME", "builder", "deploy"]

NAME = "i2v"


def deploy(settings: Settings, build: Callable[[], Application]) -> None:
    """Deploy an application unless one is there, and wait until all its replicas run.

    Raises:
        NotOffered: no node offers what a deployment asks for; Serve would wait for such a node for ever.
    """
    ray.init(address=address(settings), namespace="serve", log_to_driver=False)
    http_options = {"host": settings.http.host, "port": settings.http.port}
    # Serve would log a line for each request, with its path.
    quiet = LoggingConfig(enable_access_log=False)
    ray_serve.start(proxy_location="HeadOnly", http_options=http_options, logging_config=quiet)
    if NAME not in ray_serve.status().applications:
        application = build()
        offers.wait(settings, ray.cluster_resources)
        ray_serve.run(application, name=NAME, route_prefix="/", logging_config=quiet)


def builder(settings: Settings) -> Callable[[], Application]:
    """The function that the settings name."""
    module, _, function = settings.ray.application.partition(":")
    build: Callable[[], Application] = getattr(importlib.import_module(module), function)
    return build


def main() -> None:
    """Import everything, wait for the word, then deploy."""
    settings = cluster_settings.load()
    build = builder(settings)
    if sys.stdin.readline():
        try:
            deploy(settings, build)
        except offers.NotOffered:
            sys.exit(offers.EXIT_STATUS)
        telemetry.log("deployed", service=settings.ray.application)


if __name__ == "__main__":
    main()

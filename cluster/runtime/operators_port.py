"""The operators' port: figures of the service in Prometheus's text format, on the loopback and nowhere else."""

from collections.abc import Callable
from threading import Thread
from typing import Final
from wsgiref.simple_server import WSGIServer

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.registry import Collector

from cluster.runtime.service import ServiceFailed
from cluster.settings import Settings

__all__ = ["OperatorsPort", "metrics_url"]

_HOST: Final = "127.0.0.1"


def metrics_url(settings: Settings) -> str:
    """Where Prometheus finds the figures, on this host."""
    return f"http://{_HOST}:{settings.metrics.port}/metrics"


class OperatorsPort:
    """Serves whatever a collector collects, in threads of the supervisor; it says itself when the database is down."""

    name = "metrics"
    needs: tuple[str, ...] = ("database",)
    patience = 1

    def __init__(self, settings: Settings, collector: Callable[[], Collector]) -> None:
        """Nothing listens yet; ``collector`` is called by `start`, when the database has been started."""
        self._port = settings.metrics.port
        self._collector = collector
        self._running: tuple[WSGIServer, Thread] | None = None

    def prepare(self) -> None:
        """Everything is done by `start`."""

    def start(self) -> None:
        """Listen."""
        if self.works():
            return
        registry = CollectorRegistry()
        registry.register(self._collector())
        try:
            self._running = start_http_server(self._port, _HOST, registry)
        except OSError:
            raise ServiceFailed(f"metrics.port: nothing can listen on port {self._port}; choose another.") from None

    def works(self) -> bool:
        """Whether the server's thread lives. A question would read the database, every second."""
        return self._running is not None and self._running[1].is_alive()

    def stop(self) -> None:
        """Listen no more."""
        if self._running:
            server, thread = self._running
            server.shutdown()
            server.server_close()
            thread.join()
        self._running = None

    def pid(self) -> int | None:
        """It has no process of its own."""
        return None

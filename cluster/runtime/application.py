"""The Serve application as a part of the running cluster."""

import subprocess
import sys
import time
from typing import Final

from cluster import clock
from cluster.runtime import layout, offers
from cluster.runtime.edge import runtime_headers
from cluster.runtime.environment import whole_environment
from cluster.runtime.http import answers
from cluster.runtime.ray_head import RayHead
from cluster.runtime.service import ServiceFailed
from cluster.settings import Settings

__all__ = ["ServeApplication", "api_url", "tls_url"]

_DEPLOY_SECONDS: Final = 300.0
_READY_SECONDS: Final = 60.0
_POLL_SECONDS: Final = 0.1
_PATIENCE: Final = 2


def api_url(settings: Settings) -> str:
    """Where this host reaches the public interface."""
    return f"http://{_reachable(settings.http.host)}:{settings.http.port}"


def tls_url(settings: Settings) -> str | None:
    """Where this host reaches the public interface over TLS; none without an edge."""
    return f"https://{_reachable(settings.tls.host)}:{settings.tls.port}" if settings.ray.haproxy else None


def _reachable(host: str) -> str:
    if host in ("0.0.0.0", "::"):  # noqa: S104 - a comparison
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host


class ServeApplication:
    """Serve's controller and proxies keep themselves; this deploys what is missing, and asks the ingress."""

    name = "service"
    needs: tuple[str, ...] = ("database", "weights", "ray", "edge")
    patience = 3

    def __init__(self, settings: Settings, head: RayHead) -> None:
        """``head`` is ended, to be started anew, when the application cannot be deployed on it."""
        self._settings = settings
        self._head = head
        self._log = layout.paths(settings).logs / "deploy.log"
        self._driver: subprocess.Popen[bytes] | None = None
        self._failures = 0

    def prepare(self) -> None:
        """Start the driver that will deploy: it imports Ray while Ray and the others start."""
        self._end_driver()
        if not self.works():
            self._driver = self._new_driver()

    def start(self) -> None:
        """Let the driver deploy the application unless it is there, then wait until its ingress is ready."""
        try:
            if not self.works():
                self._deploy()
                self._wait()
            self._failures = 0
        except offers.NotOffered:
            raise
        except ServiceFailed:
            self._failures += 1
            if self._failures % _PATIENCE == 0:
                self._head.stop()
            raise
        finally:
            self._end_driver()

    def works(self) -> bool:
        """Whether the ingress is ready, and with it the database and the stores behind it."""
        return answers(f"{api_url(self._settings)}/readyz", runtime_headers(self._settings))

    def stop(self) -> None:
        """End a driver that waits; the application itself ends with Ray."""
        self._end_driver()

    def pid(self) -> int | None:
        """It has none: its processes are Ray's workers."""
        return None

    def _deploy(self) -> None:
        driver = self._driver or self._new_driver()
        try:
            driver.communicate(b"now\n", timeout=_DEPLOY_SECONDS)
        except subprocess.TimeoutExpired:
            driver.kill()
        if driver.wait() == offers.EXIT_STATUS:
            raise offers.NotOffered(self._settings)
        if driver.wait():
            raise ServiceFailed(f"The application could not be deployed; {self._log} says why.")

    def _new_driver(self) -> subprocess.Popen[bytes]:
        with self._log.open("wb") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "cluster.runtime.deploy"],
                env=whole_environment(self._settings),
                cwd="/",
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def _wait(self) -> None:
        deadline = clock.monotonic() + _READY_SECONDS
        while not self.works():
            if clock.monotonic() > deadline:
                raise ServiceFailed(f"{api_url(self._settings)}/readyz does not become ready; 'i2v status' says more.")
            time.sleep(_POLL_SECONDS)

    def _end_driver(self) -> None:
        if self._driver:
            self._driver.kill()
            self._driver.communicate()
        self._driver = None

"""Jobs for this Ray cluster: the line that submits one, and the question whether one runs."""

import http.client
import json
import shlex
import sys
from typing import Any, Final

from cluster.runtime import layout
from cluster.runtime.ray_node import ray_command
from cluster.settings import Settings

__all__ = ["SWEEP", "dashboard_url", "is_running", "line"]

SWEEP: Final = ("-m", "pipelines.sweep")
"""What Python is given for a sweep."""
_SECONDS: Final = 2.0
_UNDER_WAY: Final = frozenset({"PENDING", "RUNNING"})


def dashboard_url(settings: Settings) -> str:
    """Where this host reaches Ray's dashboard, which takes jobs."""
    return f"http://127.0.0.1:{settings.ray.dashboard_port}"


def line(settings: Settings, *words: str) -> str:
    """What submits Python with these words from a shell that knows nothing else, and follows the job to its end."""
    credential = f"RAY_AUTH_MODE=token RAY_AUTH_TOKEN_PATH={layout.paths(settings).ray_token}"
    submit = f"{ray_command()} job submit --address {dashboard_url(settings)} -- {sys.executable}"
    return f"{credential} {submit} {shlex.join(words)}"


def is_running(settings: Settings, *words: str) -> bool:
    """Whether a job of Python with these words, whoever submitted it, has not ended.

    Raises:
        OSError: Ray does not say.
    """
    wanted = shlex.join(words)
    return any(job.get("status") in _UNDER_WAY and wanted in str(job.get("entrypoint", "")) for job in _jobs(settings))


def _jobs(settings: Settings) -> list[dict[str, Any]]:
    connection = http.client.HTTPConnection("127.0.0.1", settings.ray.dashboard_port, timeout=_SECONDS)
    token = layout.paths(settings).ray_token.read_text().strip()
    try:
        connection.request("GET", "/api/jobs/", headers={"Authorization": f"Bearer {token}"})
        answer = connection.getresponse()
        if answer.status != http.client.OK:
            raise OSError("Ray's dashboard does not list its jobs")
        found: list[dict[str, Any]] = json.load(answer)
        return found
    except (http.client.HTTPException, ValueError) as error:
        raise OSError("Ray's dashboard does not list its jobs") from error
    finally:
        connection.close()

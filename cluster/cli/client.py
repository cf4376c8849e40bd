"""The public HTTP API as the command line uses it."""

from typing import Any

import httpx

from cluster.cli.console import Exit, Problem
from cluster.runtime.application import api_url
from cluster.settings import Settings

__all__ = ["ApiClient"]

_SECONDS = 30.0


class ApiClient:
    """Requests to this installation's ingress, whose errors become `Problem`."""

    def __init__(self, settings: Settings, api_key: str | None = None) -> None:
        """``api_key`` is what requests are made with; signing up needs none."""
        headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        self._http = httpx.Client(base_url=api_url(settings), headers=headers, timeout=_SECONDS, trust_env=False)

    def call(self, method: str, path: str, **content: Any) -> httpx.Response:
        """Send a request.

        Raises:
            Problem: nothing answers, or the answer is an error, whose own sentence is repeated.
        """
        try:
            response = self._http.request(method, path, **content)
        except httpx.TransportError:
            raise Problem("The cluster does not answer. 'i2v up' starts it.", Exit.NOT_RUNNING) from None
        if response.is_error:
            raise Problem(_sentence(response))
        return response

    def json(self, method: str, path: str, **content: Any) -> dict[str, Any]:
        """Send a request whose answer is a JSON object."""
        body: dict[str, Any] = self.call(method, path, **content).json()
        return body


def _sentence(response: httpx.Response) -> str:
    try:
        return str(response.json()["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return f"The cluster answered {response.status_code} {response.reason_phrase}."

"""The one question that parts of the cluster on this host are asked over HTTP: do you answer 200?"""

import http.client
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

__all__ = ["answers"]

_SECONDS: Final = 2.0


def answers(url: str, headers: Mapping[str, str] | None = None) -> bool:
    """Whether a GET is answered with 200 within two seconds."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=_SECONDS)
    try:
        connection.request("GET", parts.path, headers=dict(headers or {}))
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()

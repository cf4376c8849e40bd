"""Credentials for third parties: a file for each of them (mode 0600), read by the way out alone.

They are in no environment, no setting and no database, and nothing that reads them prints them.
"""

import json
from collections.abc import Mapping
from pathlib import Path

from cluster.storage import files

__all__ = ["forget", "read", "write"]

_FOLDER = "recipients"


def read(credentials: Path, recipient: str) -> dict[str, str]:
    """What is known of a recipient, by the names that the register gives its credentials; nothing, if nothing is."""
    try:
        known: dict[str, str] = json.loads(_file(credentials, recipient).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return known


def write(credentials: Path, recipient: str, given: Mapping[str, str]) -> None:
    """Add these to what is known."""
    folder = files.private_folder(_file(credentials, recipient).parent)
    with files.locked(folder / ".lock"):
        known = read(credentials, recipient) | dict(given)
        files.write_atomic(_file(credentials, recipient), [json.dumps(known).encode()])


def forget(credentials: Path, recipient: str) -> bool:
    """Remove all that is known of a recipient; whether there was anything."""
    file = _file(credentials, recipient)
    existed = file.exists()
    file.unlink(missing_ok=True)
    return existed


def _file(credentials: Path, recipient: str) -> Path:
    return credentials / _FOLDER / f"{recipient}.json"

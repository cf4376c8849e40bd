"""What an installation needs in order to use an emulated third party: settings, and the credentials in its folder."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

from cluster import clock
from cluster.storage import recipient_secrets
from tests.emulators.emulator import Emulator
from tests.handing_over import secrets_of, used

__all__ = ["in_use_at", "settings_for"]


def settings_for(emulator: Emulator, url: str, credentials: Path, host: str) -> dict[str, str]:
    """``I2V_`` variables by which the emulator at ``url`` is used; its keys are written to the folder at once."""
    recipient_secrets.write(credentials, emulator.name, secrets_of(emulator, url))
    return in_use_at(emulator.name, url, host)


def in_use_at(name: str, url: str, host: str, **changes: Any) -> dict[str, str]:
    """``I2V_`` variables by which a recipient is used at ``url``, with these changes to its setting.

    ``host`` is its address, which is not public and is allowed nevertheless.
    """
    setting: dict[str, Any] = used(name, url, **{"until": (clock.now() + timedelta(days=1)).date()} | changes)
    return {
        "I2V_OUTBOUND_ALLOWED_NETWORKS": f"{host}/32",
        "I2V_RECIPIENTS_IN_USE": json.dumps(setting, default=str),
    }

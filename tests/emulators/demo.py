"""``python -m tests.emulators.demo kling``: the demo with an emulated third party, as ``make demo RECIPIENT=kling``.

The installation is one of its own, in a folder that is removed again; nothing leaves this machine.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from cluster.settings import load
from tests.emulators.catalogue import find
from tests.emulators.emulator import Emulator
from tests.emulators.installed import settings_for
from tests.emulators.server import serving
from tests.handing_over import MODELS
from tests.recipients import register

_HOST = "127.0.0.1"


def main() -> None:
    """Make the video; the exit status is the demo's."""
    parser = argparse.ArgumentParser(prog="python -m tests.emulators.demo", description=__doc__)
    parser.add_argument("recipient", choices=sorted(MODELS))
    parser.add_argument("photo", nargs="?")
    arguments = parser.parse_args()
    emulator = find(arguments.recipient)()
    with (
        serving(emulator.app, host=_HOST) as server,
        tempfile.TemporaryDirectory(prefix="i2v-", ignore_cleanup_errors=True) as folder,
    ):
        environment = _installation(Path(folder), emulator, server.url)
        command = [str(Path(sys.executable).with_name("i2v")), "demo", "--model", MODELS[emulator.name], "--agree"]
        photo = [arguments.photo] if arguments.photo else []
        status = subprocess.run([*command, "--seconds", _seconds(emulator.name), *photo], env=environment, check=False)
    sys.stdout.write(f"{emulator.name} received {len(server.record.all_bytes())} bytes in all.\n")
    sys.exit(status.returncode)


def _installation(folder: Path, emulator: Emulator, url: str) -> dict[str, str]:
    """Settings by which the recipient is used, at the emulator's address."""
    data = folder / "data"
    data.mkdir(mode=0o700)
    (data / "models").symlink_to(load().data.folder.expanduser() / "models")
    own = settings_for(emulator, url, data / "credentials", _HOST)
    return os.environ | own | {"I2V_DATA_FOLDER": str(data)}


def _seconds(name: str) -> str:
    """The shortest video that the model makes."""
    return str(min(register().recipients[name].models[MODELS[name]].capabilities.seconds))


if __name__ == "__main__":
    main()

"""An installation of a test's own, used only through `i2v` and looked at only from outside."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psycopg

from cluster import runtime
from cluster.settings import Settings, configs_folder, load, read
from tests.cluster import _ports

I2V = Path(sys.executable).with_name("i2v")
BOUND = 120.0


def run(command: Sequence[str | Path], environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run to the end, whatever that is."""
    return subprocess.run(command, env=environment, check=False, capture_output=True, text=True, timeout=2 * BOUND)


class Installation:
    """A data folder, ports, and the commands upon them."""

    def __init__(self, application: str = "tests.cluster._tiny_app:build", **settings: str) -> None:
        """``application``: what is served; ``settings``: further ``I2V_`` variables."""
        self.folder = Path(tempfile.mkdtemp(prefix="i2v-life-"))
        self._ports = _ports.take()
        own = {"I2V_DATA_FOLDER": str(self.folder), "I2V_RAY_APPLICATION": application} | settings
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith("I2V_")}
        self.environment |= self._ports.settings | own | {"PYTHONPATH": str(Path(__file__).parents[2])}
        self.settings: Settings = read(configs_folder(), self.environment)
        self.paths = runtime.paths(self.settings)
        fetched = runtime.paths(load()).models
        if fetched.exists():
            self.paths.models.symlink_to(fetched)

    def i2v(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        return run([I2V, *arguments], self.environment)

    def up(self) -> dict[str, Any]:
        """Start it; its facts."""
        done = self.i2v("up", "--json", f"--timeout={BOUND + 60:g}")
        assert done.returncode == 0, done.stderr
        facts: dict[str, Any] = json.loads(done.stdout)
        return facts

    def status(self) -> dict[str, Any]:
        """How it is."""
        state: dict[str, Any] = json.loads(self.i2v("status", "--json").stdout)
        return state

    def wait_until_ready(self) -> dict[str, Any]:
        """Wait until all is ready again by itself."""
        deadline = time.monotonic() + BOUND
        while not (state := self.status())["ready"]:
            assert time.monotonic() < deadline, state
            time.sleep(0.2)
        return state

    def restarts(self, service: str) -> int:
        """How often a part was lost."""
        return int(self.status()["services"][service]["restarts"])

    def processes(self) -> dict[int, str]:
        """Every process that names the folder anywhere: in its command line, environment or working directory."""
        marks = os.fsencode(self.folder), os.fsencode(self.paths.sockets)
        found = {}
        for place in Path("/proc").iterdir():
            if place.name.isdigit() and int(place.name) != os.getpid():
                try:
                    command = (place / "cmdline").read_bytes()
                    seen = command + (place / "environ").read_bytes() + os.fsencode((place / "cwd").readlink())
                except OSError:
                    continue
                if any(mark in seen for mark in marks):
                    found[int(place.name)] = command.replace(b"\0", b" ").decode(errors="replace")
        return found

    def process(self, name: str) -> int:
        """The first process whose command line contains ``name``."""
        return min(pid for pid, command in self.processes().items() if name in command)

    def kill(self, name: str) -> None:
        """SIGKILL that process."""
        os.kill(self.process(name), signal.SIGKILL)

    def sql(self, statement: str) -> list[Any]:
        """Run a statement in the database, as its owner."""
        with psycopg.connect(runtime.owner_url(self.settings), autocommit=True) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def remove(self) -> None:
        """End it and remove its files."""
        self.i2v("down")
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.rmtree(self.paths.sockets, ignore_errors=True)
        self._ports.release()

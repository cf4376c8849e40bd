"""A whole cluster of a benchmark's own: what `i2v up` starts, with data, ports and settings that nobody else has."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cluster import runtime
from cluster.settings import configs_folder, load, read
from tests.cluster import _ports

__all__ = ["Started", "cluster"]

I2V = Path(sys.executable).with_name("i2v")


@dataclass(frozen=True, slots=True)
class Started:
    """A cluster that answers: its address over plain HTTP, and where its parts lie."""

    url: str
    where: runtime.Paths


@contextmanager
def cluster(**own: str) -> Iterator[Started]:
    """One that answers; ``own`` are ``I2V_`` variables. Ended, and its data removed, with the block."""
    folder, ports = Path(tempfile.mkdtemp(prefix="i2v-", dir="/tmp")), _ports.take()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("I2V_")}
    environment |= ports.settings | {"I2V_DATA_FOLDER": str(folder)} | own
    models = runtime.paths(load()).models
    if models.exists():
        (folder / "models").symlink_to(models)
    where = runtime.paths(read(configs_folder(), environment))
    try:
        started = subprocess.run([I2V, "up", "--json"], env=environment, stdout=subprocess.PIPE, check=True)
        yield Started(json.loads(started.stdout)["urls"]["api"], where)
    finally:
        subprocess.run([I2V, "down"], env=environment, stdout=subprocess.DEVNULL, check=False)
        shutil.rmtree(folder, ignore_errors=True)
        shutil.rmtree(where.sockets, ignore_errors=True)
        ports.release()

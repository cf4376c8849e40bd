"""`i2v up` to ready, against `ray start` and an empty Serve application with the same ports and switches.

    python -m benchmarks.start_up [--rounds 2]

Warm: the weights are there, the database has been made. Both sides have the machine to themselves in turns.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from fastapi import FastAPI
from ray import serve as ray_serve
from ray.serve import Application

from cluster import runtime
from cluster.runtime import layout, processes
from cluster.runtime.application import api_url
from cluster.runtime.deploy import deploy
from cluster.runtime.environment import whole_environment
from cluster.runtime.http import answers
from cluster.runtime.ray_head import start_command, write_token
from cluster.settings import Settings, configs_folder, load, read

PORTS = {
    "HTTP_PORT": "29000",
    "RAY_GCS_PORT": "29379",
    "RAY_DASHBOARD_PORT": "29265",
    "RAY_INTERNAL_PORTS": "31000",
    "METRICS_PORT": "29180",
}
I2V = Path(sys.executable).with_name("i2v")
api = FastAPI()


@api.get("/readyz")
def is_ready() -> dict[str, str]:
    """Always."""
    return {}


class Empty:
    """An application that does nothing."""


def build_empty() -> Application:
    """What the peer deploys."""
    return ray_serve.deployment(ray_actor_options={"num_cpus": 0})(ray_serve.ingress(api)(Empty)).bind()


def installation(folder: Path) -> Settings:
    """Settings with a data folder and ports of their own, and the weights that this host has already."""
    models = runtime.paths(load()).models
    if models.exists() and not (folder / "models").exists():
        (folder / "models").symlink_to(models)
    own = {f"I2V_{name}": value for name, value in PORTS.items()} | {"I2V_DATA_FOLDER": str(folder)}
    return read(configs_folder(), own)


def measure_ours(settings: Settings) -> float:
    """Seconds from `i2v up` to its end, when everything is ready."""
    environment = whole_environment(settings)
    started = time.monotonic()
    subprocess.run([I2V, "up", "--json"], env=environment, check=True, stdout=subprocess.DEVNULL)
    seconds = time.monotonic() - started
    subprocess.run([I2V, "down"], env=environment, check=True, stdout=subprocess.DEVNULL)
    return seconds


def measure_peer(settings: Settings) -> float:
    """Seconds from `ray start` to the first answer of the empty application."""
    layout.make(layout.paths(settings))
    write_token(layout.paths(settings))
    environment = whole_environment(settings) | {"PYTHONPATH": str(Path(__file__).parents[1])}
    started = time.monotonic()
    try:
        subprocess.run(start_command(settings), env=environment, check=True, stdout=subprocess.DEVNULL)
        driver = [sys.executable, "-m", "benchmarks.start_up", "--deploy-peer"]
        subprocess.run(driver, env=environment, check=True, stderr=subprocess.DEVNULL)
        while not answers(f"{api_url(settings)}/readyz"):
            time.sleep(0.05)
        return time.monotonic() - started
    finally:
        processes.end(processes.tree([processes.current()]) - {processes.current()})


def main() -> None:
    """Print the ratio of the best rounds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--deploy-peer", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.deploy_peer:
        deploy(load(), build_empty)
        return
    processes.adopt_orphans()
    folders = [Path(tempfile.mkdtemp(prefix="i2v-up-")) for _ in range(2)]
    ours, peer = (installation(folder) for folder in folders)
    try:
        measure_ours(ours)
        rounds = [(measure_ours(ours), measure_peer(peer)) for _ in range(arguments.rounds)]
    finally:
        for made in (*folders, runtime.paths(peer).sockets):
            shutil.rmtree(made, ignore_errors=True)
    best, best_peer = (min(column) for column in zip(*rounds, strict=True))
    print(f"i2v up {best:.1f} s, ray start and an empty application {best_peer:.1f} s, ratio {best / best_peer:.2f}")


if __name__ == "__main__":
    main()

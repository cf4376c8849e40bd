"""`i2v up`, `status`, `down`: started once, brought back by itself, ended without a trace. In this order."""

import json
import os
import shlex
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.cluster._installation import BOUND, I2V, Installation, run

CONTROLLER = "ray::ServeController"


@pytest.fixture(scope="module")
def installation() -> Iterator[Installation]:
    """One that nothing has been started in."""
    installation = Installation()
    yield installation
    installation.remove()


def test_before_anything_runs(installation: Installation) -> None:
    status = installation.i2v("status", "--json")
    assert status.returncode == 3
    assert not json.loads(status.stdout)["ready"]
    assert installation.i2v("down").returncode == 0
    assert installation.i2v("account", "create").returncode == 3
    assert installation.i2v("up", "--nonsense").returncode == 2
    join = installation.i2v("join", "127.0.0.2:6379")
    assert (join.returncode, "auth_token" in join.stderr.replace("\n", "")) == (1, True)


def test_a_taken_port_is_named_with_its_setting(installation: Installation) -> None:
    with socket.create_server(("127.0.0.1", installation.settings.http.port)):
        up = installation.i2v("up")
    assert up.returncode == 1
    assert str(installation.settings.http.port) in up.stderr
    assert "I2V_HTTP_PORT" in up.stderr
    assert "Traceback" not in up.stderr
    assert installation.processes() == {}


def test_a_mistake_in_a_deployment_is_named_with_its_key(installation: Installation) -> None:
    up = run([I2V, "up"], installation.environment | {"I2V_DEPLOYMENTS_DIRECTOR": '{"num_replica": 2}'})
    assert up.returncode == 2
    assert "deployments.director.num_replica: " in up.stderr.replace("\n", "")
    assert "Traceback" not in up.stderr
    assert installation.processes() == {}


def test_two_starts_at_once_start_one_cluster(installation: Installation) -> None:
    with ThreadPoolExecutor() as pool:
        first, second = pool.map(lambda _: installation.up(), range(2))
    assert first == second
    assert sum("cluster.supervisor" in command for command in installation.processes().values()) == 1
    assert sum("gcs_server" in command for command in installation.processes().values()) == 1
    assert httpx.get(f"{first['urls']['api']}/readyz").status_code == 200
    assert installation.folder.stat().st_mode & 0o777 == 0o700
    assert installation.paths.ray_token.stat().st_mode & 0o777 == 0o600


def test_starting_again_changes_nothing(installation: Installation) -> None:
    before = installation.processes()
    installation.up()
    assert set(before) <= set(installation.processes())


def test_other_settings_are_refused_while_it_runs(installation: Installation) -> None:
    up = run([I2V, "up"], installation.environment | {"I2V_JOBS_MAX_ATTEMPTS": "7"})
    assert up.returncode == 1
    assert "I2V_JOBS_MAX_ATTEMPTS" in up.stderr
    assert installation.status()["ready"]


def test_the_printed_line_submits_a_job_and_a_shell_without_the_token_is_refused(installation: Installation) -> None:
    line = installation.up()["job_submit"]
    bare = {"PATH": os.defpath, "HOME": str(installation.folder)}
    submitted = run(["sh", "-c", line], bare)
    assert submitted.returncode == 0, submitted.stdout + submitted.stderr
    without = [word for word in shlex.split(line) if not word.startswith("RAY_AUTH")]
    assert run(without, bare).returncode != 0
    dashboard = f"http://127.0.0.1:{installation.settings.ray.dashboard_port}"
    assert httpx.get(f"{dashboard}/api/jobs/").status_code == 401


def test_statistics_answer_on_the_loopback_alone(installation: Installation) -> None:
    inodes = _listening_everywhere()
    edge = installation.process("haproxy -db")
    held = {str(place.readlink()) for place in Path(f"/proc/{edge}/fd").iterdir()}
    assert any(link.startswith("socket:") for link in held)
    assert not held & inodes


def test_a_killed_database_comes_back_with_its_data(installation: Installation) -> None:
    installation.sql("CREATE TABLE kept AS SELECT 41 + 1 AS answer")
    restarts = installation.restarts("database")
    installation.kill("bin/postgres ")
    _wait(lambda: installation.restarts("database") > restarts)
    installation.wait_until_ready()
    assert installation.sql("SELECT answer FROM kept") == [(42,)]


def test_a_killed_controller_comes_back(installation: Installation) -> None:
    killed = installation.process(CONTROLLER)
    os.kill(killed, signal.SIGKILL)
    _wait(lambda: any(CONTROLLER in command and pid != killed for pid, command in installation.processes().items()))
    assert installation.wait_until_ready()["services"]["ray"]["restarts"] == 0


def test_a_killed_edge_comes_back(installation: Installation) -> None:
    killed = installation.process("haproxy -db")
    os.kill(killed, signal.SIGKILL)
    _wait(lambda: any("haproxy -db" in command and pid != killed for pid, command in installation.processes().items()))
    installation.wait_until_ready()


def test_a_killed_head_comes_back_with_the_application(installation: Installation) -> None:
    old = {pid for pid, command in installation.processes().items() if "ray::" in command}
    installation.kill("gcs_server")
    _wait(lambda: installation.restarts("ray") == 1)
    installation.wait_until_ready()
    assert old
    assert not old & set(installation.processes())


def test_a_killed_supervisor_leaves_the_service_and_is_replaced(installation: Installation) -> None:
    supervisor, head = installation.status()["supervisor"], installation.process("gcs_server")
    os.kill(supervisor, signal.SIGKILL)
    _wait(lambda: installation.i2v("status").returncode == 3)
    assert httpx.get(f"http://127.0.0.1:{installation.settings.http.port}/readyz").status_code == 200
    installation.up()
    assert installation.status()["supervisor"] != supervisor
    assert installation.process("gcs_server") == head


def test_down_leaves_no_process_even_without_a_supervisor(installation: Installation) -> None:
    assert len(installation.processes()) > 10
    os.kill(installation.status()["supervisor"], signal.SIGKILL)
    assert installation.i2v("down").returncode == 0
    assert installation.processes() == {}
    assert installation.i2v("status").returncode == 3


def test_data_survive_and_down_leaves_no_process(installation: Installation) -> None:
    bystander = subprocess.Popen(["sleep", "600"])
    try:
        installation.up()
        assert installation.sql("SELECT answer FROM kept") == [(42,)]
        assert len(installation.processes()) > 10
        assert json.loads(installation.i2v("down", "--json").stdout)["ended"] > 10
        assert installation.processes() == {}
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def _wait(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + BOUND
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.2)


def _listening_everywhere() -> set[str]:
    """The sockets that listen on all addresses of this host, as `/proc/PID/fd` names them."""
    found = set()
    for file, everywhere in (("/proc/net/tcp", "00000000"), ("/proc/net/tcp6", "0" * 32)):
        rows = [line.split() for line in Path(file).read_text().splitlines()[1:]]
        found |= {f"socket:[{row[9]}]" for row in rows if row[3] == "0A" and row[1].startswith(f"{everywhere}:")}
    return found

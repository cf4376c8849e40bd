"""The OpenAI SDK for Python, unmodified: an old one, a later one, and that of today."""

import json
import subprocess

import pytest

from tests.clients._outage import run_through_an_outage
from tests.clients._sdk import ROOT, python_with
from tests.clients.conftest import User
from tests.cluster.conftest import RunningCluster

SDKS = ["2.6.1", "2.54.0", "3.54.0"]
GROUPS = ["create", "keep", "end", "refused", "webhook", "reuse"]


@pytest.mark.timeout(600)
@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize("version", SDKS)
def test_every_call(version: str, group: str, user: User) -> None:
    command = [str(python_with(version)), "-m", f"tests.clients.drivers.{group}"]
    done = subprocess.run(
        command, cwd=ROOT, env=user.environment, capture_output=True, text=True, check=False, timeout=400
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["sdk"] == version
    assert said["calls"]


@pytest.mark.timeout(600)
@pytest.mark.parametrize("version", SDKS)
def test_what_is_unavailable_is_asked_for_again(version: str, user: User, cluster: RunningCluster) -> None:
    command = [str(python_with(version)), "-m", "tests.clients.drivers.outage"]
    said = json.loads(run_through_an_outage(command, user.environment, cluster))
    assert said == {"sdk": version, "calls": ["told_and_again"]}

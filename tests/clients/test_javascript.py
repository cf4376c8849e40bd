"""The OpenAI SDK for JavaScript, unmodified, as npm has it."""

import json
import subprocess

import pytest

from tests.clients._outage import run_through_an_outage
from tests.clients._sdk import ROOT, node, node_folder_with
from tests.clients.conftest import User
from tests.cluster.conftest import RunningCluster

VERSION = "7.57.0"
"""The newest. It asks for a Node.js later than some systems have, and runs with 20, too."""
PROGRAM = ROOT / "tests" / "clients" / "drivers" / "calls.mjs"


@pytest.mark.timeout(600)
@pytest.mark.parametrize("group", ["keep", "end", "refused", "webhook", "reuse"])
def test_every_call(group: str, user: User) -> None:
    environment = user.environment | {"CLIENTS_NODE_FOLDER": str(node_folder_with(VERSION))}
    command = [node(), str(PROGRAM), group]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=400)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["sdk"] == VERSION
    assert said["calls"]


@pytest.mark.timeout(600)
def test_what_is_unavailable_is_asked_for_again(user: User, cluster: RunningCluster) -> None:
    environment = user.environment | {"CLIENTS_NODE_FOLDER": str(node_folder_with(VERSION))}
    said = json.loads(run_through_an_outage([node(), str(PROGRAM), "outage"], environment, cluster))
    assert said == {"sdk": VERSION, "calls": ["toldAndAgain"]}

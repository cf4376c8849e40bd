"""The default model is our own: it runs with the network cut off, names no recipient, and phones nobody."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cluster import runtime
from cluster import settings as cluster_settings
from cluster.runtime.environment import environment
from cluster.settings import Settings
from serve.catalogue import load as load_catalogue
from serve.models.store import ModelStore
from tests.api import Api, Person
from tests.photos import jpeg
from tests.photos import person as portrait
from tests.promises._offline import run_offline

SMALL = {"seconds": "1", "fps": "12", "size": "256x256"}


@pytest.fixture(scope="session")
def networks() -> Path:
    """The user's own model store, with every weight in it."""
    store = runtime.paths(cluster_settings.read(cluster_settings.configs_folder(), {})).models
    for spec in load_catalogue().weights.values():
        ModelStore(store).fetch(spec)
    return store


@pytest.mark.promise("P55")
def test_the_default_model_works_with_the_network_cut_off(
    api: Api, person: Person, replica_settings: Settings, networks: Path, mutant_in_force: str | None
) -> None:
    """From the upload to the finished video, by the code of the real replicas."""
    runtime.paths(replica_settings).models.symlink_to(networks)
    answered = person.create(jpeg(portrait()), **SMALL)
    assert answered.status_code == 200, answered.text
    done = run_offline("tests.promises._whole_job:do_everything_due", mutant=mutant_in_force)
    assert done.returncode == 0, done.stderr
    video = person.get(f"/v1/videos/{answered.json()['id']}").json()
    assert (video["status"], video["error"]) == ("completed", None)


@pytest.mark.promise("P55")
def test_the_default_model_has_no_recipient() -> None:
    default = load_catalogue().models["default"]
    assert default.recipient is None
    assert not [purpose for purpose in default.purposes if purpose.startswith("share:")]


@pytest.mark.promise("P56")
def test_the_default_model_runs_on_reviewed_weights_alone(networks: Path, tmp_path: Path) -> None:
    """Each file is refused if a byte of it is another."""
    catalogue = load_catalogue()
    assert set(catalogue.models["default"].weights) <= set(catalogue.weights)
    for spec in catalogue.weights.values():
        content = bytearray(ModelStore(networks).path(spec).read_bytes())
        content[len(content) // 2] ^= 1
        (tmp_path / spec.file_name).write_bytes(content)
        assert ModelStore(tmp_path).missing({"network": spec}) == ["network"]


@pytest.mark.promise("P56")
def test_ray_reports_nobody_s_use(settings: Settings) -> None:
    """As Ray itself understands the environment that all of its processes get."""
    program = "from ray._common.usage import usage_lib; print(usage_lib.usage_stats_enabled())"
    plain = {name: value for name, value in os.environ.items() if name != "RAY_USAGE_STATS_ENABLED"}
    command = [sys.executable, "-W", "ignore", "-c", program]
    answered = subprocess.run(command, env=plain | environment(settings), capture_output=True, text=True, check=True)
    assert answered.stdout.strip() == "False"

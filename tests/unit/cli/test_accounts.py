"""`i2v account role`: what an account is to this installation is said by its operator, and by nobody else."""

import subprocess
import sys
from pathlib import Path

import pytest

from cluster.settings import Settings
from tests.api import Api, Person

I2V = Path(sys.executable).with_name("i2v")


def run(settings: Settings, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {"I2V_DATA_FOLDER": str(settings.data.folder), "I2V_DATABASE_URL": str(settings.database.url)}
    command = [str(I2V), "account", "role", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize("role", ["ml_engineer", "operator", "moderator", "user"])
def test_a_role_counts_from_the_next_request(settings: Settings, person: Person, role: str) -> None:
    done = run(settings, person.account_id, role, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    assert f'"role": "{role}"' in done.stdout
    assert person.get("/v1/me").json()["role"] == role


@pytest.mark.parametrize(
    ("account_id", "role", "status"),
    [
        ("acct_00000000000000000000000000", "operator", 1),
        ("somebody", "operator", 2),
        ("acct_00000000000000000000000000", "king", 2),
    ],
)
def test_what_there_is_not_gets_no_role(settings: Settings, api: Api, account_id: str, role: str, status: int) -> None:
    before = api.snapshot()
    done = run(settings, account_id, role)
    assert done.returncode == status
    assert done.stderr
    assert "Traceback" not in done.stderr
    assert api.snapshot() == before


def test_a_closed_account_gets_no_role(settings: Settings, api: Api, person: Person) -> None:
    api.world.sql("UPDATE accounts SET closed_at = created_at WHERE id = :id", id=person.account_id)
    assert run(settings, person.account_id, "operator").returncode == 1


def test_no_request_gives_a_role(person: Person) -> None:
    refused = person.client.post("/v1/accounts", json={"role": "operator"})
    assert refused.status_code == 400
    assert person.get("/v1/me").json()["role"] == "user"

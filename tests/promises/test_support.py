"""Support withdraws a consent on its owner's word, and the owner's own withdrawal does no more."""

import pytest
from typer.testing import CliRunner

from cluster.cli.accounts import account
from cluster.records.job_states import JobState
from cluster.settings import Settings
from tests.api import Api, Person
from tests.promises._people import answer, state
from tests.world import SHARE


@pytest.mark.promise("P67")
def test_support_withdraws_what_its_owner_has_agreed_to(api: Api, person: Person, replica_settings: Settings) -> None:
    answer(person, SHARE, True)
    shared, own = person.created(model="elsewhere"), person.created()
    done = CliRunner().invoke(account, ["withdraw", person.account_id, SHARE, "--asked", "in_writing", "--json"])
    assert (done.exit_code, shared in done.stdout) == (0, True), done.output
    assert (state(person, SHARE), state(person, "ai_processing")) == ("withdrawn", "unset")
    assert [api.world.read(job).state for job in (shared, own)] == [JobState.CANCELLED, JobState.QUEUED]
    refused = person.create(model="elsewhere").json()["error"]
    assert refused["code"] == "consent_withdrawn"
    query = "SELECT action, detail FROM audit WHERE account_id = :id ORDER BY sequence DESC LIMIT 1"
    (line,) = api.world.sql(query, id=person.account_id)
    assert tuple(line) == ("consent_withdrawn_by_support", "in_writing")


@pytest.mark.parametrize("purpose", [SHARE, "ai_processing", "nothing"])
def test_what_nobody_has_agreed_to_is_not_withdrawn(
    api: Api, person: Person, replica_settings: Settings, purpose: str
) -> None:
    answer(person, "ai_processing", False)
    before = api.snapshot()
    for somebody in (person.account_id, "acct_00000000000000000000000000"):
        done = CliRunner().invoke(account, ["withdraw", somebody, purpose, "--asked", "by_phone"])
        assert (done.exit_code, "has not agreed" in str(done.exception)) == (1, True)
    assert api.snapshot() == before

"""The gate: data are used for a purpose only after its own grant, which is asked for in full and can be taken back."""

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from cluster.errors import ConsentRequired
from cluster.records.job_states import JobState
from serve.ingress import gate
from tests.api import Api, Person
from tests.promises._people import answer, answer_body, state, version_of
from tests.world import SHARE, notice_for

OLD = notice_for(SHARE, "These were the words before.")
ANSWERS = st.lists(st.tuples(st.booleans(), st.booleans()), max_size=4)
# Each example is a new person; a failing one is not made smaller, since under a mutant nobody reads it.
EVERY_EXAMPLE_ANEW = settings(
    max_examples=20,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def allowed(api: Api, person: Person, purpose: str) -> bool:
    """Whether the gate lets somebody's data be used for a purpose."""
    try:
        api.world.run(gate.check, person.account_id, [purpose], api.services.notices)
    except ConsentRequired:
        return False
    return True


@pytest.mark.promise("P63")
@EVERY_EXAMPLE_ANEW
@given(answers=ANSWERS)
def test_nothing_is_shared_without_a_live_grant(api: Api, answers: list[tuple[bool, bool]]) -> None:
    """Whatever was answered, to the notice of today or to the one before: the last answer alone decides."""
    person = api.person()
    api.world.publish(OLD)
    for granted, to_the_old in answers:
        version = OLD.version if to_the_old else api.services.notice_versions[SHARE]
        statement = (
            "INSERT INTO consents (account_id, purpose, notice_version, granted, epoch, recorded_at)"
            " VALUES (:account, :purpose, :version, :granted, 1, clock_timestamp())"
        )
        api.world.sql(statement, account=person.account_id, purpose=SHARE, version=version, granted=granted)
    live = bool(answers) and answers[-1] == (True, False)
    assert person.create(model="elsewhere").status_code == (200 if live else 403)


@pytest.mark.parametrize(
    "purpose",
    [
        pytest.param("marketing_reference", marks=pytest.mark.promise("P7")),
        pytest.param("interview_recording", marks=pytest.mark.promise("P20")),
    ],
)
def test_it_is_off_until_it_is_granted_and_after_it_is_withdrawn(api: Api, person: Person, purpose: str) -> None:
    assert state(person, purpose) == "unset"
    assert not allowed(api, person, purpose)
    for granted in (True, False):
        assert answer(person, purpose, granted).status_code == 201
        assert allowed(api, person, purpose) is granted


@pytest.mark.promise("P64")
def test_the_first_use_is_answered_with_the_whole_notice(api: Api, person: Person) -> None:
    refused = person.create(model="elsewhere")
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "consent_required")
    notice = refused.json()["error"]["notice"]
    assert notice == api.services.notices[SHARE].model_dump(mode="json")
    assert all(notice[name] for name in ("title", "text", "data", "recipient", "country", "how"))


@pytest.mark.promise("P65")
@pytest.mark.parametrize("granted", ["true", "yes", 1, None])
def test_only_an_explicit_yes_counts(api: Api, person: Person, granted: object) -> None:
    login = person.login()
    before = api.snapshot()
    assert login.post("/v1/consents", json=answer_body(person, SHARE, granted)).status_code == 400
    assert api.snapshot() == before


@pytest.mark.promise("P65")
def test_only_a_yes_to_the_notice_of_today_counts(api: Api, person: Person) -> None:
    api.world.publish(OLD)
    login = person.login()
    for version in (OLD.version, version_of(person, "ai_processing")):
        refused = login.post("/v1/consents", json=answer_body(person, SHARE, True, version=version))
        assert refused.status_code == 400
        assert refused.json()["error"]["param"] == "notice_version"
    assert not person.get("/v1/consents").json()["history"]


@pytest.mark.promise("P66")
def test_a_withdrawal_stops_what_runs_and_refuses_what_comes(api: Api, person: Person) -> None:
    answer(person, SHARE, True)
    running, waiting = person.created(model="elsewhere"), person.created(model="elsewhere")
    (lease,) = api.world.claim(ingestion=1)
    assert answer(person, SHARE, False).status_code == 201
    assert [api.world.read(job).state for job in (running, waiting)] == [JobState.CANCELLED] * 2
    assert not api.world.sql("SELECT * FROM leases WHERE job_id = :job", job=lease.job_id)
    assert not api.world.claim()
    refused = person.create(model="elsewhere")
    assert refused.status_code == 403
    assert refused.json()["error"]["code"] == "consent_withdrawn"


@pytest.mark.promise("P66")
@pytest.mark.parametrize("purpose", ["ai_processing", "marketing_reference", SHARE])
def test_whatever_was_granted_can_be_withdrawn_again_and_again(api: Api, person: Person, purpose: str) -> None:
    for _ in range(2):
        answer(person, purpose, True)
        assert allowed(api, person, purpose)
        answer(person, purpose, False)
        assert not allowed(api, person, purpose)

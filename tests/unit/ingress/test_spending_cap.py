"""A spending cap holds however many ask at once, and only delivered videos use it up."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from cluster.errors import SpendingCapReached
from cluster.records import api_keys
from cluster.records.job_states import Stage
from serve.stage import Rejected, StageRun
from tests.api import WORK, Api, Person

ROOM = 7


@pytest.fixture
def price(person: Person) -> int:
    video = person.create().json()
    person.delete(f"/v1/videos/{video['id']}")
    return int(video["price"])


@pytest.fixture
def capped(person: Person, price: int) -> Person:
    """The same person with a key for a little more than seven videos."""
    body = {"spending_cap": ROOM * price + price // 2}
    made = person.post("/v1/api-keys", json=body).json()
    return Person(person.client, person.account_id, made["api_key"])


def spent(person: Person) -> int:
    return int(person.get("/v1/api-keys").json()["data"][-1]["spent"])


def persistently(person: Person) -> Any:
    """Create as the SDKs do: again after an answer that says that trying again may help."""
    while (answer := person.create()).headers.get("x-should-retry") == "true":
        pass
    return answer


def reject(_: StageRun) -> dict[str, Any]:
    raise Rejected("moderation_input")


def test_fifty_creates_at_once_stay_below_the_cap(api: Api, person: Person, capped: Person, price: int) -> None:
    with ThreadPoolExecutor(50) as threads:
        answers = list(threads.map(lambda _: persistently(capped), range(50)))
    accepted = [answer.json()["id"] for answer in answers if answer.status_code == 200]
    refused = [answer for answer in answers if answer.status_code != 200]
    assert len(accepted) == ROOM
    assert {(answer.status_code, answer.json()["error"]["code"]) for answer in refused} == {
        (SpendingCapReached.status, SpendingCapReached.code)
    }
    assert spent(person) == person.get("/v1/credits").json()["reserved"] == ROOM * price
    api.assert_sound()
    after = api.snapshot()
    assert len(after.objects) == after.rows["media"] == ROOM
    assert after.rows["jobs"] == ROOM + 1


def test_what_is_not_delivered_frees_the_cap_and_what_is_does_not(
    api: Api, person: Person, capped: Person, price: int
) -> None:
    made = [capped.created() for _ in range(ROOM)]
    assert capped.create().status_code == 402
    capped.post(f"/v1/videos/{made[0]}/cancel")
    capped.delete(f"/v1/videos/{made[1]}")
    assert spent(person) == (ROOM - 2) * price
    api.drive(made[2], WORK | {Stage.INPUT_SCREENING: reject})
    assert spent(person) == 0
    delivered = [capped.created() for _ in range(ROOM)]
    api.drive(delivered[0])
    assert spent(person) == ROOM * price
    capped.delete(f"/v1/videos/{delivered[0]}")
    assert spent(person) == ROOM * price
    assert capped.create().status_code == 402


def test_a_repeated_request_counts_once(person: Person, capped: Person, price: int) -> None:
    for _ in range(3):
        assert capped.create(idempotency_key="k").status_code == 200
    assert spent(person) == price


def test_a_cap_of_nothing_creates_nothing_and_reads(person: Person) -> None:
    made = person.post("/v1/api-keys", json={"spending_cap": 0}).json()
    idle = Person(person.client, person.account_id, made["api_key"])
    assert idle.create().status_code == 402
    assert idle.get("/v1/videos").status_code == 200


def test_other_keys_of_the_account_are_not_touched(person: Person, capped: Person) -> None:
    for _ in range(ROOM):
        capped.created()
    assert capped.create().status_code == 402
    assert person.create().status_code == 200


def test_a_key_revoked_while_its_request_is_read_makes_no_video(
    api: Api, person: Person, capped: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    key_id = person.get("/v1/api-keys").json()["data"][-1]["id"]
    put = api.services.resources.store.put

    def late(*arguments: Any) -> int:
        api.world.run(api_keys.revoke, person.account_id, key_id)
        return put(*arguments)

    monkeypatch.setattr(type(api.services.resources.store), "put", lambda _, *arguments: late(*arguments))
    before = api.snapshot()
    assert capped.create().status_code == 401
    assert api.snapshot() == before.plus("audit")

"""The checkers that other tests rely on find what is planted."""

from tests.api import Api, Person
from tests.checks import Differences, differences, misspent


def found(api: Api) -> Differences:
    return api.world.run(differences, api.stages.store.objects)


def test_sound_data_have_no_differences(api: Api, person: Person) -> None:
    person.created()
    api.drive(person.created())
    api.clean()
    assert len(api.snapshot().objects) > 4
    assert not found(api)


def test_an_object_without_a_row_is_found(api: Api, person: Person) -> None:
    person.created()
    api.stages.store.put("video/orphan", person.account_id, "media_0", [b"x"])
    assert found(api) == Differences(frozenset({"video/orphan"}), frozenset())
    api.stages.store.delete("video/orphan")


def test_a_row_without_an_object_is_found(api: Api, person: Person) -> None:
    job_id = person.created()
    (key,) = api.snapshot().objects
    api.stages.store.delete(key)
    assert found(api) == Differences(frozenset(), frozenset({key}))
    assert person.delete(f"/v1/videos/{job_id}").status_code == 200


def test_a_snapshot_sees_every_row_and_object(api: Api, person: Person) -> None:
    before = api.snapshot()
    assert before == api.snapshot()
    person.post("/v1/api-keys")
    keyed = api.snapshot()
    assert {name for name, count in keyed.rows.items() if count != before.rows[name]} == {"api_keys", "audit"}
    person.created()
    changed = {name for name, count in api.snapshot().rows.items() if count != keyed.rows[name]}
    assert changed == {"jobs", "media", "credit_transfers"}
    assert len(api.snapshot().objects) == 1


def test_a_key_that_spent_other_than_its_jobs_cost_is_found(api: Api, person: Person) -> None:
    person.created()
    (key,) = person.get("/v1/api-keys").json()["data"]
    assert api.world.run(misspent) == []
    for planted in ("spent = spent + 1", "spending_cap = spent - 1"):
        api.world.sql(f"UPDATE api_keys SET {planted}")
        assert api.world.run(misspent) == [key["id"]]
        api.world.sql("UPDATE api_keys SET spent = :spent, spending_cap = NULL", spent=key["spent"])
    assert api.world.run(misspent) == []

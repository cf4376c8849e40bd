"""Usage events: written with what they count or not at all, and with nothing of what was made."""

from tests.api import Api, Person
from tests.promises._people import answer
from tests.promises.test_usage_events import ANALYTICS, events

PROMPT, SUBJECT = "a heron over Lake Quuxwater", "user-zephyrina"


def test_a_video_that_is_not_accepted_is_not_counted(api: Api, person: Person) -> None:
    answer(person, ANALYTICS, True)
    key = person.post("/v1/api-keys", json={"spending_cap": 0}).json()["api_key"]
    assert Person(person.client, person.account_id, key).create().status_code == 402
    assert events(api.world) == []


def test_an_event_holds_nothing_of_what_was_made_or_of_who_asked(api: Api) -> None:
    person = api.person(name="Zephyrina Quux", email="z@quux.example")
    answer(person, ANALYTICS, True)
    person.created(prompt=PROMPT, subject=SUBJECT)
    (event,) = api.world.sql("SELECT * FROM usage_events")
    assert set(event._mapping) == {"id", "account_id", "kind", "model", "recorded_at"}
    for canary in (PROMPT, SUBJECT, "Zephyrina", "quux", "testclient", "127.0.0.1", person.key):
        assert canary not in repr(event)

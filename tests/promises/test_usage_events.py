"""P105, P108: nothing about use is written down before the account has agreed to it, or after it took that back.

Enforced by `cluster.records.usage_events.record`, the only place that writes an event.
"""

from typing import Any

import pytest

from cluster.privacy.purposes import Purpose
from cluster.records import usage_events
from cluster.records.usage_events import UsageKind
from tests.api import Api, Person
from tests.promises._people import answer
from tests.world import AI, SHARE, World, notice_for

ANALYTICS = Purpose.ANALYTICS.value

pytestmark = pytest.mark.promise("P105")


def events(world: World) -> list[Any]:
    return world.sql("SELECT account_id, kind, model FROM usage_events ORDER BY id")


def test_there_is_no_event_before_the_grant(api: Api, person: Person) -> None:
    for purpose in (AI, SHARE, "model_improvement"):
        answer(person, purpose, True)
    person.created(prompt="a calm morning")
    api.drive(person.created(model="elsewhere"))
    assert events(api.world) == []


def test_there_is_one_for_each_video_once_it_was_granted(api: Api, person: Person) -> None:
    person.created()
    answer(person, ANALYTICS, True)
    person.created(prompt="a calm morning")
    assert events(api.world) == [(person.account_id, "video_created", "default")]
    for _ in range(2):
        assert person.create(idempotency_key="k").status_code == 200
    assert len(events(api.world)) == 2


@pytest.mark.promise("P108")
def test_there_is_none_after_it_was_withdrawn(api: Api, person: Person) -> None:
    answer(person, ANALYTICS, True)
    person.created()
    answer(person, ANALYTICS, False)
    person.created()
    assert len(events(api.world)) == 1
    answer(person, ANALYTICS, True)
    person.created()
    assert len(events(api.world)) == 2


def test_a_grant_for_other_words_counts_for_nothing(api: Api, person: Person) -> None:
    answer(person, ANALYTICS, True)
    changed = notice_for(ANALYTICS, "And now something else is counted as well.")
    api.world.publish(changed)
    current = api.services.notice_versions
    for versions, expected in ((current, True), (current | {ANALYTICS: changed.version}, False), ({}, False)):
        given = (person.account_id, UsageKind.VIDEO_CREATED, "default", versions)
        assert api.world.run(usage_events.record, *given) is expected
    assert len(events(api.world)) == 1


def test_one_account_s_grant_counts_nobody_else(api: Api, person: Person) -> None:
    answer(api.person(), ANALYTICS, True)
    person.created()
    assert events(api.world) == []

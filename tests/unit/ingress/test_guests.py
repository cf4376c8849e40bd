"""Guests: videos without an account, for a while whose end is told first, and then nothing of them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cluster.records import lifecycle
from serve.erasure import destroy_keys
from tests.api import Api, Person
from tests.fixtures_cluster import ShiftClock


@pytest.fixture
def begun(api: Api) -> dict[str, Any]:
    """What a new guest is told."""
    answer = api.client.post("/v1/guests")
    assert answer.status_code == 201
    api.client.cookies.clear()
    told: dict[str, Any] = answer.json()
    return told


@pytest.fixture
def guest(api: Api, begun: dict[str, Any]) -> Person:
    """A guest."""
    return Person(api.client, begun["account_id"], begun["token"])


def test_the_end_is_told_before_anything_is_uploaded(api: Api, begun: dict[str, Any], guest: Person) -> None:
    hours = api.stages.settings.accounts.guest_hours
    ends = datetime.fromtimestamp(begun["expires_at"], UTC) - datetime.now(UTC)
    assert timedelta(hours=hours) - ends < timedelta(minutes=1)
    assert guest.get("/v1/me").json()["expires_at"] == pytest.approx(begun["expires_at"], abs=1)
    assert guest.get("/v1/me").json()["kind"] == "guest"
    assert begun["credits"] == api.stages.settings.credits.guest_grant


def test_a_guest_makes_a_video_and_downloads_it(api: Api, guest: Person) -> None:
    job_id = guest.created()
    api.drive(job_id)
    assert guest.get(f"/v1/videos/{job_id}/content").status_code == 200
    assert guest.get("/v1/consents").status_code == 200
    assert guest.get("/v1/access-history").json()["data"][0]["actor"] == "guest"


def test_a_guest_has_no_more_than_a_guest_s_credits(api: Api, guest: Person) -> None:
    answers = [guest.create(seconds="20").status_code for _ in range(3)]
    assert answers == [200, 402, 402]


def test_a_guest_makes_no_keys(guest: Person) -> None:
    refused = guest.post("/v1/api-keys")
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "insufficient_scope")


def test_after_the_end_nothing_opens_and_nothing_is_left(api: Api, guest: Person, shift_clock: ShiftClock) -> None:
    done, waiting = guest.created(), guest.created()
    api.drive(done)
    other = api.person().created()
    shift_clock(hours=api.stages.settings.accounts.guest_hours)
    before = api.snapshot()
    answers = (guest.get("/v1/me"), guest.create(), guest.get(f"/v1/videos/{done}/content"))
    assert [answer.status_code for answer in answers] == [401] * 3
    assert api.snapshot() == before

    assert api.world.run(lifecycle.close_expired_guests) == 1
    assert api.world.run(lifecycle.close_expired_guests) == 0
    api.clean()
    assert api.await_(destroy_keys, api.services.resources) == 0
    assert api.world.sql("SELECT 1 FROM media WHERE account_id = :id", id=guest.account_id) == []
    assert not api.stages.keys.exists(guest.account_id)
    (kept,) = api.world.sql("SELECT * FROM sign_up_addresses WHERE account_id IS NULL")
    assert kept.address_sealed is None
    jobs = api.world.sql("SELECT prompt_sealed, deleted_at FROM jobs WHERE account_id = :id", id=guest.account_id)
    assert len(jobs) == 2
    assert all(job.prompt_sealed is None and job.deleted_at for job in jobs)
    assert api.world.read(other).state == "queued"
    assert waiting


def test_a_frozen_guest_is_closed_in_time_all_the_same(api: Api, guest: Person, shift_clock: ShiftClock) -> None:
    api.world.sql("UPDATE accounts SET frozen_at = created_at WHERE id = :id", id=guest.account_id)
    assert guest.get("/v1/me").status_code == 401
    shift_clock(hours=api.stages.settings.accounts.guest_hours)
    assert api.world.run(lifecycle.close_expired_guests) == 1

"""Identifiers sort by age, are hard to guess and easy to recognise."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from cluster import clock
from cluster.ids import is_id, new_id, secret_token
from tests.fixtures_cluster import ShiftClock


def test_an_id_names_its_kind() -> None:
    made = new_id("video")
    assert is_id("video", made)
    assert not is_id("key", made)
    assert len(made) == len("video_") + 26


def test_ids_are_unique_within_a_millisecond() -> None:
    assert len({new_id("video") for _ in range(2000)}) == 2000


def test_ids_sort_by_time_across_years(shift_clock: ShiftClock) -> None:
    made = []
    for days in (0, 0.00001, 1, 365, 3650, 36500):
        shift_clock(days=days)
        made.append(new_id("video"))
    assert made == sorted(made)


@given(st.text(max_size=40))
def test_whatever_is_no_id_is_not_taken_for_one(text: str) -> None:
    assert not is_id("video", text)
    assert not is_id("video", f"video_{text}") or len(text) == 26


def test_near_misses_are_no_ids() -> None:
    good = new_id("video")
    near = (good[:-1], good + "0", good.upper(), good + "\n", good[:-1] + "i", good[:-1] + "\x00", "video_", "")
    assert [text for text in near if is_id("video", text)] == []


def test_secrets_are_long_and_differ() -> None:
    secrets = {secret_token("i2v") for _ in range(100)}
    assert len(secrets) == 100
    assert all(secret.startswith("i2v_") and len(secret) >= 4 + 43 for secret in secrets)


def test_the_calendar_can_be_moved_and_the_stopwatch_cannot(shift_clock: ShiftClock) -> None:
    before, stopwatch = clock.now(), clock.monotonic()
    shift_clock(days=400)
    assert timedelta(days=400) <= clock.now() - before < timedelta(days=400, minutes=1)
    assert clock.monotonic() - stopwatch < 60
    assert 0 <= clock.age_seconds(before) - 400 * 86400 < 60
    assert clock.unix(before) == int(before.timestamp())

"""A fetch is asked for by its id, done once, and its URL is gone with the outcome."""

from datetime import timedelta

from cluster.privacy.media_kinds import MediaKind
from cluster.records import fetches, media
from tests.fixtures_cluster import ShiftClock
from tests.world import World

URL = "https://host.example/a.jpg?token=secret"
LIFE = timedelta(seconds=45)


def announced(world: World, account_id: str) -> str:
    return world.run(fetches.announce, world.keys, account_id, URL, LIFE)


def sealed(world: World, fetch_id: str) -> object:
    return world.sql("SELECT url_sealed FROM fetches WHERE id = :id", id=fetch_id)[0].url_sealed


def test_it_is_begun_once(world: World) -> None:
    account = world.account()
    fetch_id = announced(world, account)
    assert URL.encode() not in bytes(str(sealed(world, fetch_id)), "latin-1")
    assert world.run(fetches.begin, world.keys, fetch_id) == (account, URL)
    assert world.run(fetches.begin, world.keys, fetch_id) is None
    assert world.run(fetches.begin, world.keys, "fetch_0") is None


def test_its_url_is_gone_with_the_outcome(world: World) -> None:
    account = world.account()
    failed, done = announced(world, account), announced(world, account)
    medium = world.run(media.begin, account, MediaKind.UPLOAD, "image/png")
    for fetch_id in (failed, done):
        world.run(fetches.begin, world.keys, fetch_id)
    assert world.run(fetches.fail, failed, "url_unreachable")
    assert world.run(fetches.end, done, medium.id)
    assert [sealed(world, fetch_id) for fetch_id in (failed, done)] == [None, None]
    assert world.run(fetches.get, failed) == fetches.Fetch(failed, account, "failed", "url_unreachable", None)
    assert world.run(fetches.get, done) == fetches.Fetch(done, account, "done", None, medium.id)
    assert not world.run(fetches.fail, done, "url_unreachable")


def test_nothing_is_written_into_a_row_that_nobody_waits_for(world: World) -> None:
    fetch_id = announced(world, world.account())
    assert not world.run(fetches.fail, fetch_id, "url_unreachable")
    world.run(fetches.begin, world.keys, fetch_id)
    world.run(fetches.forget, fetch_id)
    assert not world.run(fetches.fail, fetch_id, "url_unreachable")
    assert world.run(fetches.get, fetch_id) is None


def test_an_account_that_is_closed_or_frozen_fetches_nothing(world: World) -> None:
    for column in ("closed_at", "frozen_at"):
        account = world.account()
        fetch_id = announced(world, account)
        world.sql(f"UPDATE accounts SET {column} = created_at WHERE id = :id", id=account)
        assert world.run(fetches.begin, world.keys, fetch_id) is None


def test_what_is_too_old_is_neither_begun_nor_counted_nor_kept(world: World, shift_clock: ShiftClock) -> None:
    account = world.account()
    fetch_id = announced(world, account)
    assert world.run(fetches.count, account) == 1
    assert world.run(fetches.remove_expired) == 0
    shift_clock(seconds=46)
    assert world.run(fetches.count, account) == 0
    assert world.run(fetches.begin, world.keys, fetch_id) is None
    assert world.run(fetches.remove_expired) == 1

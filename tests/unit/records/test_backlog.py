"""How much work waits: by the size of each video, at the pace that was measured."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cluster.records import backlog, lifecycle, paces
from cluster.records.backlog import Backlog
from cluster.records.job_states import Actor, Stage
from cluster.records.paces import Pace, Sums, fitted
from tests.world import World

USUAL = Pace(1.0, 2.0)
A_MEGAPIXEL = {"seconds": 1, "fps": 25, "size": "200x200"}
"""The parameters of a video of one megapixel in all."""


def resize(world: World, job_id: str, **parameters: object) -> None:
    """Give a job other parameters."""
    fields = ", ".join(f"'{name}', CAST(:{name} AS text)" for name in parameters)
    texts = {name: str(value) for name, value in parameters.items()}
    world.sql(f"UPDATE jobs SET parameters = jsonb_build_object({fields}) WHERE id = :id", id=job_id, **texts)


def waiting(world: World) -> Backlog:
    return world.run(backlog.read, ["default"], USUAL)


def is_close(found: Backlog, wanted: Backlog) -> bool:
    return found.jobs == wanted.jobs and found.seconds == pytest.approx(wanted.seconds)


def test_an_empty_queue_is_no_work(world: World) -> None:
    assert waiting(world) == Backlog(0, 0)


def test_work_is_counted_by_the_size_of_each_video(world: World) -> None:
    account = world.account()
    small, large = world.job(account), world.job(account)
    resize(world, small, **A_MEGAPIXEL)
    resize(world, large, **A_MEGAPIXEL | {"seconds": 10, "size": "400x200"})
    assert is_close(waiting(world), Backlog(2, (1 + 2 * 1) + (1 + 2 * 20)))


def test_what_a_request_left_out_is_taken_as_usual(world: World) -> None:
    world.job(world.account())
    assert is_close(waiting(world), Backlog(1, 1 + 2 * 4 * 24 * 0.4))


def test_only_what_is_left_of_a_video_counts_and_nothing_of_one_that_was_made(world: World) -> None:
    account = world.account()
    job_id = world.job(account)
    resize(world, job_id, **A_MEGAPIXEL)
    (lease,) = world.claim()
    assert waiting(world).seconds == pytest.approx(3)
    world.sql("UPDATE leases SET step = 3, steps = 4")
    assert waiting(world).seconds == pytest.approx(3), "steps of another stage are none of the video's"
    lease = world.advance(lease, Stage.GENERATION)
    world.sql("UPDATE leases SET step = 3, steps = 4")
    assert is_close(waiting(world), Backlog(1, 3 / 4))
    world.advance(lease, Stage.OUTPUT_SCREENING)
    assert waiting(world) == Backlog(0, 0)


def test_ended_jobs_and_other_models_do_not_count(world: World) -> None:
    account = world.account()
    world.run(lifecycle.cancel, world.job(account), Actor.OWNER, "cancelled_by_user")
    world.job(account)
    assert world.run(backlog.read, ["another"], USUAL) == Backlog(0, 0)
    assert waiting(world).jobs == 1


def test_the_measured_pace_replaces_the_usual(world: World) -> None:
    account = world.account()
    for seconds, size in ((5.0, "200x200"), (7.0, "400x200")):
        job_id = world.job(account)
        resize(world, job_id, **A_MEGAPIXEL | {"size": size})
        world.run(paces.measured, job_id, seconds)
    pace = world.run(paces.of_models)["default"]
    assert pace.each == pytest.approx(3)
    assert pace.per_megapixel == pytest.approx(2)
    assert is_close(waiting(world), Backlog(2, 5 + 7))


def test_newer_videos_count_for_more(world: World) -> None:
    job_id = world.job(world.account())
    resize(world, job_id, **A_MEGAPIXEL)
    for seconds in [10.0] * 20 + [1.0] * 60:
        world.run(paces.measured, job_id, seconds)
    assert world.run(paces.of_models)["default"].per_megapixel == pytest.approx(1, abs=0.5)


def sums_of(videos: Sequence[tuple[float, float]]) -> Sums:
    return Sums(
        len(videos),
        sum(size for size, _ in videos),
        sum(seconds for _, seconds in videos),
        sum(size * size for size, _ in videos),
        sum(size * seconds for size, seconds in videos),
    )


@given(each=st.floats(0, 100), per=st.floats(0.01, 10), sizes=st.sets(st.integers(1, 500), min_size=2))
def test_a_straight_line_is_found(each: float, per: float, sizes: set[int]) -> None:
    found = fitted(sums_of([(size, each + per * size) for size in sizes]))
    for size in sizes:
        assert found.each + found.per_megapixel * size == pytest.approx(each + per * size, rel=1e-3, abs=1e-3)


@given(st.lists(st.tuples(st.floats(0.5, 500), st.floats(0.1, 1000)), min_size=1))
def test_no_pace_is_ever_negative(videos: list[tuple[float, float]]) -> None:
    found = fitted(sums_of(videos))
    assert found.each >= 0
    assert found.per_megapixel >= 0

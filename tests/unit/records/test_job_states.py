"""The table of transitions is the only way from one state to another."""

from itertools import pairwise, product

from cluster.records import jobs
from cluster.records.job_states import ACTIVE, FORK, STAGES, TRANSITIONS, Actor, JobState, Stage, following, sources
from tests.world import World

ENDS = tuple(state for state in JobState if state not in ACTIVE)


def test_every_transition_that_is_not_in_the_table_is_refused(world: World) -> None:
    job_id = world.job(world.account())
    allowed, refused = set(), set()
    for state, target, actor in product(JobState, JobState, Actor):
        world.sql("UPDATE jobs SET state = :state, fence = 1, error_code = NULL", state=state)
        moved = world.run(jobs.move, job_id, target, actor, error_code="internal")
        job = world.read(job_id)
        if moved:
            assert (job.state, job.fence, job.error_code) == (target, 2, "internal")
            allowed.add((state, target, actor))
        else:
            assert (job.state, job.fence, job.error_code) == (state, 1, None)
            refused.add((state, target, actor))
    table = {(start, end, actor) for (start, end), who in TRANSITIONS.items() if start for actor in who}
    assert allowed == table
    assert len(refused) == 100 - len(table)


def test_a_final_state_is_final() -> None:
    assert not any(start in ENDS for start, _ in TRANSITIONS)
    assert all(sources(end, Actor.DIRECTOR) for end in ENDS)


def test_only_the_director_delivers() -> None:
    assert [who for who in Actor if sources(JobState.COMPLETED, who)] == [Actor.DIRECTOR]


def test_stages_follow_each_other_to_an_end() -> None:
    for shared, others in ((False, {Stage.DELEGATION, Stage.RECEPTION}), (True, {Stage.GENERATION})):
        route = [stage for stage in STAGES if stage not in others]
        assert [following(stage, shared=shared) for stage in route] == [*(after for _, after in pairwise(route)), None]
    assert following(FORK) is Stage.GENERATION
    assert following(FORK, shared=True) is Stage.DELEGATION

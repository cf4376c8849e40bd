"""What a provider does wrong, at each endpoint, and what becomes of the job: one vocabulary, and never paid twice."""

import pytest

from cluster.records.job_states import JobState, Stage
from serve.ingestion import Ingestion
from serve.resources import StageResources
from serve.stage import Work, perform
from tests.emulators.script import Endpoint, Fault
from tests.fixtures_recipients import Uses

RECIPIENTS = ("bedrock", "kling", "openai_videos", "veo", "wan")
DONE = "done"
INGEST: Work = Ingestion.__new__(Ingestion).work
CREATE, POLL, RESULT = Endpoint.CREATE, Endpoint.POLL, Endpoint.RESULT

OUTCOMES: dict[tuple[Endpoint, Fault], str] = {
    (CREATE, Fault.RATE_LIMITED): DONE,
    (CREATE, Fault.PARALLEL_LIMIT): DONE,
    (CREATE, Fault.DROP_BEFORE): DONE,
    (CREATE, Fault.QUOTA_EXHAUSTED): "quota_exhausted",
    (CREATE, Fault.AUTH): "auth",
    (CREATE, Fault.MODEL_GONE): "model_retired",
    (CREATE, Fault.INVALID_INPUT): "invalid_input",
    (CREATE, Fault.MODERATED_INPUT): "moderation_input",
    (CREATE, Fault.MODERATED_OUTPUT): "moderation_output",
    (CREATE, Fault.LOST_TASK): "expired",
    (CREATE, Fault.EXPIRED_RESULT): "expired",
    (CREATE, Fault.SLOW_PROGRESS): DONE,
    (CREATE, Fault.DUPLICATE): DONE,
    (POLL, Fault.SERVER_ERROR): DONE,
    (POLL, Fault.BAD_GATEWAY): DONE,
    (POLL, Fault.RUBBISH): DONE,
    (POLL, Fault.RATE_LIMITED): DONE,
    (POLL, Fault.DROP_BEFORE): DONE,
    (POLL, Fault.AUTH): "auth",
    (RESULT, Fault.SERVER_ERROR): DONE,
    (RESULT, Fault.DROP_BEFORE): DONE,
}
UNFINDABLE = {"openai_videos", "veo"}
"""Whose tasks cannot be looked for: what may have been accepted there is not sent again."""
LOST = (Fault.SERVER_ERROR, Fault.BAD_GATEWAY, Fault.RUBBISH, Fault.DROP_AFTER_ACCEPT, Fault.DROP_BEFORE)


def expected(recipient: str, endpoint: Endpoint, fault: Fault) -> str:
    if recipient in UNFINDABLE and endpoint is CREATE and fault in LOST:
        return "internal"
    if recipient == "wan" and (endpoint, fault) == (CREATE, Fault.DROP_AFTER_ACCEPT):
        return "internal"
    if recipient == "veo" and (endpoint, fault) == (POLL, Fault.AUTH):
        return DONE  # its token may have ended early: another is bought, and that is refused where the key is bad
    if recipient == "veo" and (endpoint, fault) == (CREATE, Fault.QUOTA_EXHAUSTED):
        return "auth"
    return OUTCOMES.get((endpoint, fault), DONE)


CASES = [
    (recipient, endpoint, fault)
    for recipient in RECIPIENTS
    for endpoint, fault in [*OUTCOMES, *((CREATE, fault) for fault in LOST if (CREATE, fault) not in OUTCOMES)]
    if not (recipient == "veo" and endpoint is RESULT)
]


@pytest.mark.parametrize(("recipient", "endpoint", "fault"), CASES)
def test_every_fault_has_one_outcome_and_is_paid_once_at_most(
    uses: Uses, recipient: str, endpoint: Endpoint, fault: Fault
) -> None:
    upstream = uses(recipient)
    account = upstream.somebody()
    upstream.emulator.script.add(endpoint, fault, amount=3)
    job = upstream.job(account)
    (found,) = upstream.to_the_end(job)
    assert (found.failure if found.state == "failed" else found.state) == expected(recipient, endpoint, fault)
    assert upstream.emulator.tasks.paid <= 1
    assert upstream.emulator.script.waiting() == 0
    if found.state == DONE:
        assert upstream.read(job).stage is Stage.RECEPTION
        assert upstream.emulator.tasks.paid == 1
    else:
        assert (upstream.read(job).state, upstream.read(job).error_code) == (JobState.FAILED, found.failure)
        (balance,) = upstream.world.sql(
            "SELECT available, reserved FROM credit_balances WHERE account_id = :a", a=account
        )
        assert tuple(balance) == (1000, 0)
    assert all(line.outcome is not None for line in upstream.lines())


@pytest.mark.parametrize("recipient", RECIPIENTS)
@pytest.mark.parametrize("fault", [Fault.RATE_LIMITED, Fault.PARALLEL_LIMIT])
def test_whoever_stays_full_is_not_asked_for_ever(uses: Uses, recipient: str, fault: Fault) -> None:
    upstream = uses(recipient)
    account = upstream.somebody()
    upstream.emulator.script.add(CREATE, fault, times=1000)
    job = upstream.job(account)
    (found,) = upstream.to_the_end(job)
    assert (found.state, upstream.read(job).error_code) == ("failed", found.failure)
    assert found.failure in ("rate_limited", "capacity")
    assert found.attempts == upstream.resources.settings.outbound.submission_attempts
    assert upstream.emulator.tasks.paid == 0


@pytest.mark.parametrize("recipient", RECIPIENTS)
@pytest.mark.parametrize("fault", [Fault.CORRUPT_VIDEO, Fault.NOT_A_VIDEO, Fault.OVERSIZED_VIDEO])
def test_a_result_that_is_no_video_ends_the_job_and_is_not_bought_again(
    uses: Uses, stage_resources: StageResources, recipient: str, fault: Fault
) -> None:
    upstream = uses(recipient)
    account = upstream.somebody()
    upstream.take_at_most(1 << 20)
    upstream.emulator.oversized_bytes = 2 << 20
    upstream.emulator.script.add(CREATE, fault)
    job = upstream.job(account)
    upstream.to_the_end(job)
    for lease in upstream.world.claim(reception=9):
        perform(stage_resources, lease, INGEST)
    assert (upstream.read(job).state, upstream.read(job).error_code) == (JobState.FAILED, "bad_result")
    assert upstream.emulator.tasks.paid == 1

"""What a third party's contract obliges it to: without such a clause nothing is taken in, and nothing is sent."""

from datetime import timedelta
from typing import Any

import pytest

from cluster import clock
from serve.catalogue import read
from tests.api import Api, Person
from tests.handing_over import HandingOver, used
from tests.recipients import agreement, in_use, register

DAY = timedelta(days=1)


def papers(*, without: str | None = None) -> dict[str, Any]:
    """Papers that hold today, with a contract that lacks a clause if one is named."""
    whole = agreement(clock.now().date() + DAY)
    return whole | {"contract": {name: value for name, value in whole["contract"].items() if name != without}}


def papers_over(paper: str) -> dict[str, Any]:
    """Papers of which one ended yesterday."""
    whole = papers()
    return whole | {paper: whole[paper] | {"expires": clock.now().date() - DAY}}


def refusal(api: Api, person: Person, agreed: dict[str, Any]) -> tuple[str, str | None]:
    """Code and reason by which a door refuses that knows of these papers."""
    api.use(catalogue=read(register(in_use("kling", agreement=agreed))))
    answer = person.create(b"no photo: it is not looked at", model="kling-v3")
    assert answer.status_code in (400, 403), answer.text
    return answer.json()["error"]["code"], answer.json()["error"].get("reason")


@pytest.mark.parametrize(
    "clause",
    [
        pytest.param("no_training", marks=pytest.mark.promise("P62")),
        pytest.param("equal_protection", marks=pytest.mark.promise("P70")),
        pytest.param("encryption_at_rest", marks=pytest.mark.promise("P73")),
        pytest.param("gdpr", marks=pytest.mark.promise("P74")),
        pytest.param("ccpa", marks=pytest.mark.promise("P75")),
    ],
)
def test_nothing_is_taken_in_for_somebody_whose_contract_lacks_a_clause(api: Api, person: Person, clause: str) -> None:
    assert refusal(api, person, papers())[0] != "recipient_unavailable"
    before = api.snapshot()
    assert refusal(api, person, papers(without=clause)) == ("recipient_unavailable", f"{clause}_missing")
    assert api.snapshot() == before
    assert person.create().status_code == 200


@pytest.mark.promise("P60", "P61", "P62", "P70", "P73", "P74", "P75")
def test_nothing_is_sent_to_somebody_whose_papers_have_ended_meanwhile(upstream: HandingOver) -> None:
    clauses = ("no_training", "equal_protection", "encryption_at_rest", "gdpr", "ccpa")
    changed = [papers_over("assessment"), papers_over("contract"), *(papers(without=clause) for clause in clauses)]
    account = upstream.world.account()
    upstream.answer(account, True)
    jobs = []
    for agreed in changed:
        jobs.append(upstream.job(account))
        upstream.hand_over()
        upstream.register = register(used("openai_videos", upstream.server.url, agreement=agreed))
        upstream.to_the_end(jobs[-1])
    assert {upstream.read(job).error_code for job in jobs} == {"recipient_unavailable"}
    assert (upstream.lines(), upstream.server.record.all_bytes()) == ([], b"")

"""The gate stands open, silence counts as an answer, a withdrawal does too little or too much."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pydantic import model_validator
from sqlalchemy import Connection

from cluster.privacy.consent import Answer, ConsentState, Verdict
from cluster.privacy.notices import Notice
from cluster.records import consents, jobs, lifecycle
from cluster.records.consents import Line
from cluster.records.job_states import Actor
from serve.ingress.consents import ConsentAnswer
from tests.promises.harness.mutation import mutant

Check = Callable[[Connection, str, Sequence[str], Mapping[str, Notice]], object]
Answering = Callable[..., tuple[Line, list[str]]]


@mutant("P7", "P20", "P63", "P66", enforcement="serve.ingress.gate:check")
def gate_stands_open(_: Check) -> Check:
    return lambda connection, account_id, purposes, notices: {}


@mutant("P7", "P20", "P63", enforcement="cluster.privacy.consent:decide")
def silence_is_consent(original: Callable[..., Verdict]) -> Callable[..., Verdict]:
    return lambda purpose, state: Verdict.ALLOWED if state is ConsentState.UNSET else original(purpose, state)


@mutant("P107", enforcement="cluster.privacy.consent:decide")
def silence_is_refusal(_: object) -> Callable[..., Verdict]:
    return lambda purpose, state: Verdict.ALLOWED if state is ConsentState.GRANTED else Verdict.REQUIRED


@mutant("P63", enforcement="cluster.privacy.consent:state_of")
def old_grants_live_on(original: Callable[..., ConsentState]) -> Callable[..., ConsentState]:
    def state_of(answer: Answer | None, current_version: str | None) -> ConsentState:
        return original(answer, answer.notice_version if answer else current_version)

    return state_of


@mutant("P64", enforcement="serve.ingress.gate:_way_to_yes")
def refusal_shows_no_notice(original: Callable[..., dict[str, object]]) -> Callable[..., dict[str, object]]:
    return lambda purpose, notice: original(purpose, notice) | {"notice": None}


@mutant("P112", "P113", enforcement="serve.ingress.gate:_way_to_yes")
def refusal_offers_nothing_else(original: Callable[..., dict[str, object]]) -> Callable[..., dict[str, object]]:
    return lambda purpose, notice: original(purpose, notice) | {"alternatives": []}


@mutant("P65", enforcement="serve.ingress.consents:ConsentAnswer")
def anything_like_true_is_a_grant(original: type[ConsentAnswer]) -> type[ConsentAnswer]:
    class Lax(original):  # type: ignore[misc,valid-type]  # the original is known at run time only
        granted: bool | None

    return Lax


@mutant("P112", enforcement="serve.ingress.consents:ConsentAnswer")
def a_no_has_to_be_explained(original: type[ConsentAnswer]) -> type[ConsentAnswer]:
    class Insistent(original):  # type: ignore[misc,valid-type]  # the original is known at run time only
        @model_validator(mode="before")
        @classmethod
        def _explained(cls, given: dict[str, Any]) -> dict[str, Any]:
            if given.get("granted") is False and not given.pop("reason", ""):
                raise ValueError("tell us why")
            return given

    return Insistent


@mutant("P112", enforcement="serve.ingress.consents:ConsentAnswer")
def the_box_is_ticked(original: type[ConsentAnswer]) -> type[ConsentAnswer]:
    class Ticked(original):  # type: ignore[misc,valid-type]  # as above
        granted: bool = True

    return Ticked


@mutant("P112", enforcement="cluster.privacy.consent:state_of")
def whoever_signs_up_has_agreed(original: Callable[..., ConsentState]) -> Callable[..., ConsentState]:
    return lambda answer, version: original(answer, version) if answer else ConsentState.GRANTED


@mutant("P65", enforcement="serve.ingress.consents:_check_version")
def any_version_is_good_enough(_: object) -> Callable[..., None]:
    return lambda connection, services, body: None


@mutant("P66", enforcement="cluster.records.lifecycle:answer")
def withdrawal_stops_no_job(_: object) -> Answering:
    def answer(connection: Connection, account_id: str, **given: Any) -> tuple[Line, list[str]]:
        return consents.append(connection, account_id, **given, epoch=1), []

    return answer


@mutant("P68", enforcement="cluster.records.lifecycle:answer")
def withdrawal_stops_every_job(original: Answering) -> Answering:
    def answer(connection: Connection, account_id: str, **given: Any) -> tuple[Line, list[str]]:
        line, stopped = original(connection, account_id, **given)
        for job_id, _ in jobs.active_of_account(connection, account_id) if not line.granted else ():
            lifecycle.cancel(connection, job_id, Actor.CONSENT, "consent_withdrawn")
        return line, stopped

    return answer


@mutant("P68", enforcement="serve.ingress.gate:check")
def one_withdrawal_closes_everything(original: Check) -> Check:
    def check(
        connection: Connection, account_id: str, purposes: Sequence[str], notices: Mapping[str, Notice]
    ) -> object:
        withdrawn = [line.purpose for line in consents.history(connection, account_id) if not line.granted]
        return original(connection, account_id, [*purposes, *withdrawn], notices)

    return check


@mutant("P68", enforcement="cluster.records.jobs:renew_epoch")
def other_work_dies_with_the_epoch(_: object) -> Callable[..., None]:
    return lambda connection, account_id, epoch: None

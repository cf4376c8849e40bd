"""The consent rule: pure, and the only place where a state becomes a yes or a no."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from cluster.privacy.purposes import Purpose

__all__ = ["Answer", "ConsentState", "Verdict", "decide", "state_of", "unanswered"]


class ConsentState(StrEnum):
    """Where an account stands on one purpose."""

    UNSET = "unset"
    GRANTED = "granted"
    WITHDRAWN = "withdrawn"


class Verdict(StrEnum):
    """What the gate says."""

    ALLOWED = "allowed"
    REQUIRED = "required"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Answer:
    """The latest line of the consent ledger for one purpose."""

    granted: bool
    notice_version: str


def state_of(answer: Answer | None, current_version: str | None) -> ConsentState:
    """The state that an answer makes.

    A grant counts for the notice version it names and lapses to *unset* when the notice changes; a withdrawal
    stays one whatever the notice says.
    """
    if answer is None:
        return ConsentState.UNSET
    if not answer.granted:
        return ConsentState.WITHDRAWN
    return ConsentState.GRANTED if answer.notice_version == current_version else ConsentState.UNSET


def decide(purpose: str, state: ConsentState) -> Verdict:
    """Whether data may be used for a purpose.

    ``ai_processing`` is what the service is for: it stands until it is withdrawn. Everything else, sharing above
    all, needs a grant.
    """
    if state is ConsentState.WITHDRAWN:
        return Verdict.WITHDRAWN
    if state is ConsentState.GRANTED or purpose == Purpose.AI_PROCESSING:
        return Verdict.ALLOWED
    return Verdict.REQUIRED


def unanswered(purposes: Iterable[str], states: Mapping[str, ConsentState]) -> tuple[str, Verdict] | None:
    """The first purpose that stands in the way, with the verdict on it; None if all are allowed."""
    for purpose in purposes:
        verdict = decide(purpose, states.get(purpose, ConsentState.UNSET))
        if verdict is not Verdict.ALLOWED:
            return purpose, verdict
    return None

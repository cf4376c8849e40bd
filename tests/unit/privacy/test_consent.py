"""The consent rule, case by case."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cluster.privacy.consent import Answer, ConsentState, Verdict, decide, state_of, unanswered
from cluster.privacy.purposes import Purpose, recipient_of, share_purpose

UNSET, GRANTED, WITHDRAWN = ConsentState
PURPOSES = [purpose.value for purpose in Purpose] + [share_purpose("wan")]


@pytest.mark.parametrize(
    ("answer", "current", "state"),
    [
        (None, "now", UNSET),
        (None, None, UNSET),
        (Answer(True, "now"), "now", GRANTED),
        (Answer(True, "then"), "now", UNSET),
        (Answer(True, "now"), None, UNSET),
        (Answer(False, "now"), "now", WITHDRAWN),
        (Answer(False, "then"), "now", WITHDRAWN),
        (Answer(False, "then"), None, WITHDRAWN),
    ],
)
def test_the_state_that_an_answer_makes(answer: Answer | None, current: str | None, state: ConsentState) -> None:
    assert state_of(answer, current) is state


@pytest.mark.parametrize("purpose", PURPOSES)
def test_only_ai_processing_stands_unasked(purpose: str) -> None:
    unasked = Verdict.ALLOWED if purpose == "ai_processing" else Verdict.REQUIRED
    assert decide(purpose, UNSET) is unasked
    assert decide(purpose, GRANTED) is Verdict.ALLOWED
    assert decide(purpose, WITHDRAWN) is Verdict.WITHDRAWN


@given(st.lists(st.sampled_from(PURPOSES)), st.dictionaries(st.sampled_from(PURPOSES), st.sampled_from(ConsentState)))
def test_the_first_obstacle_is_named_and_nothing_passes_a_withdrawal(
    purposes: list[str], states: dict[str, ConsentState]
) -> None:
    obstacle = unanswered(purposes, states)
    barred = [purpose for purpose in purposes if decide(purpose, states.get(purpose, UNSET)) is not Verdict.ALLOWED]
    assert (obstacle[0] if obstacle else None) == (barred[0] if barred else None)
    assert obstacle or not any(states.get(purpose) is WITHDRAWN for purpose in purposes)


def test_sharing_names_its_recipient() -> None:
    assert recipient_of(share_purpose("wan")) == "wan"
    assert [recipient_of(purpose.value) for purpose in Purpose] == [None] * len(Purpose)

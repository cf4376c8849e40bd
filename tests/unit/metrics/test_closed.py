"""No label can hold a text: only members of the set that its metric declares."""

from enum import StrEnum

import pytest

from cluster.errors import NotFound, ServiceError, Unavailable
from cluster.records.job_states import JobState, Stage
from cluster.storage.errors import ConnectionLost
from serve.metrics.closed import LabelNotAllowed, Metric, closed_set, member
from serve.metrics.counted import COUNTED, reason

STAGES = Metric("i2v_test_total", "A test.", {"stage": Stage})


def test_a_member_is_allowed() -> None:
    assert STAGES.tags(stage=Stage.GENERATION) == {"stage": "generation"}


@pytest.mark.parametrize("value", ["generation", "ada@example.org", JobState.QUEUED])
def test_neither_a_text_nor_a_member_of_another_set_is(value: StrEnum) -> None:
    with pytest.raises(LabelNotAllowed) as refused:
        STAGES.tags(stage=value)
    assert str(value) not in str(refused.value)


def test_no_label_can_be_added_or_left_out() -> None:
    with pytest.raises(LabelNotAllowed):
        STAGES.tags(stage=Stage.GENERATION, state=JobState.QUEUED)
    with pytest.raises(LabelNotAllowed):
        STAGES.tags()


def test_what_is_not_in_a_set_of_the_installation_is_other() -> None:
    models = closed_set("Models", ["default"])
    assert member(models, "default").value == "default"
    assert member(models, "ada@example.org").value == "other"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (NotFound("Nothing of Ada's.", code="ada@example.org"), "not_found"),
        (ConnectionLost(code="database_down"), "unavailable"),
        (Unavailable(), "unavailable"),
        (ServiceError(), "internal_error"),
    ],
)
def test_an_error_counts_by_its_class_whatever_it_was_given(error: ServiceError, code: str) -> None:
    assert reason(error).value == code


def test_everything_counted_has_a_bounded_number_of_series() -> None:
    for metric in COUNTED:
        assert metric.labels
        assert all(len(values) <= 60 for values in metric.labels.values())

"""Answers are read as what they are, whatever they are."""

import pytest

from serve.recipients.replies import json_of, retry_after, task_id
from serve.recipients.wire import LostOnTheWay, Reply


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"7", b'"text"', b"null", b"\xff"])
def test_no_object_is_an_empty_one(body: bytes) -> None:
    assert json_of(Reply(200, {}, body)) == {}
    assert json_of(Reply(200, {}, b'{"a": 1}')) == {"a": 1}


@pytest.mark.parametrize("value", [None, 7, "", "a b", "a\n", "a?b", "ä", "a" * 513, ["a"]])
def test_no_name_of_a_task_may_be_one_that_was_lost(value: object) -> None:
    with pytest.raises(LostOnTheWay):
        task_id(value)
    assert task_id("arn:aws:bedrock:us-west-2:1:async-invoke/a_b.c") == "arn:aws:bedrock:us-west-2:1:async-invoke/a_b.c"


@pytest.mark.parametrize(
    ("text", "seconds"), [("5", 5.0), ("0", 0.0), ("999999", 3600.0), ("-1", None), ("soon", None), ("", None)]
)
def test_pauses_are_in_seconds_and_bounded(text: str, seconds: float | None) -> None:
    assert retry_after(Reply(429, {"retry-after": text}, b"")) == seconds
    assert retry_after(Reply(429, {}, b"")) is None

"""A log line has no room for anything personal, and logging never breaks what it reports."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cluster import telemetry
from cluster.telemetry import ALLOWED_FIELDS, FieldNotAllowed

CANARY = "heron@quux.example"


def last_line(capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    line: dict[str, object] = json.loads(capsys.readouterr().err.splitlines()[-1])
    return line


def test_a_line_is_one_json_object(capsys: pytest.CaptureFixture[str]) -> None:
    telemetry.log("stage_done", job_id="video_1", seconds=1.5, count=3, code=None)
    line = last_line(capsys)
    assert line.pop("at")
    assert line == {"event": "stage_done", "job_id": "video_1", "seconds": 1.5, "count": 3, "code": None}


@pytest.mark.parametrize("name", ["prompt", "email", "ip", "message", "account_id", "name", "url"])
def test_a_field_that_is_not_listed_is_refused(name: str) -> None:
    assert name not in ALLOWED_FIELDS
    with pytest.raises(FieldNotAllowed):
        telemetry.log("event", **{name: "x"})


@pytest.mark.parametrize("value", [CANARY, "two words", "ünïcode", "line\nbreak", "x" * 161, '"quoted"'])
def test_a_value_that_could_be_free_text_is_refused(value: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(FieldNotAllowed) as refusal:
        telemetry.log("event", code=value)
    assert value not in str(refusal.value)
    assert capsys.readouterr().err == ""


@given(st.text())
def test_what_is_written_is_plain(value: str) -> None:
    try:
        telemetry.log("event", kind=value)
    except FieldNotAllowed:
        return
    assert value.isascii()
    assert " " not in value
    assert "@" not in value


def test_an_exception_is_logged_without_its_text(capsys: pytest.CaptureFixture[str]) -> None:
    try:
        raise ValueError(CANARY)
    except ValueError as error:
        telemetry.log_failure("stage_failed", error, stage="generation")
    line = last_line(capsys)
    assert line["error"] == "ValueError"
    assert str(line["place"]).startswith("test_telemetry.py:")
    assert CANARY not in json.dumps(line)


@pytest.mark.parametrize("file", ["<string>", "<frozen importlib>", "a file.py", "/srv/ünï/cödé.py", "x" * 300])
def test_an_exception_from_any_file_can_be_logged(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ZeroDivisionError) as raised:
        exec(compile("1 / 0", file, "exec"))
    telemetry.log_failure("stage_failed", raised.value)
    assert last_line(capsys)["error"] == "ZeroDivisionError"


def test_an_exception_that_was_never_raised_can_be_logged(capsys: pytest.CaptureFixture[str]) -> None:
    telemetry.log_failure("stage_failed", type("Größe", (Exception,), {})())
    assert last_line(capsys)["event"] == "stage_failed"

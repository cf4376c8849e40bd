"""A third party's model is asked for what it takes, and for nothing else."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cluster.errors import InvalidRequest
from cluster.privacy.provider_models import Audio, Capabilities
from serve.provider_parameters import ProviderParameters, asked, read_parameters
from serve.recipients.payload import Asked
from tests.recipients import register

MODELS = {name: model.capabilities for one in register().providers() for name, model in one.models.items()}
names = st.sampled_from(sorted(MODELS))


@st.composite
def requests(draw: st.DrawFn) -> tuple[Capabilities, dict[str, Any]]:
    """Something that a model takes, as a form or as JSON would say it."""
    row = MODELS[draw(names)]
    wanted: dict[str, st.SearchStrategy[Any]] = {"seconds": st.sampled_from(row.seconds)}
    lists = {"resolution": row.resolutions, "size": row.sizes, "aspect_ratio": row.aspect_ratios}
    wanted |= {name: st.sampled_from(choices) for name, choices in lists.items() if choices}
    if row.seed:
        wanted["seed"] = st.integers(0, 2**31 - 1)
    if row.audio is Audio.SWITCH:
        wanted["audio"] = st.booleans()
    if row.negative_prompt:
        wanted["negative_prompt"] = st.text(st.characters(codec="utf-8"), max_size=20)
    fields = draw(st.fixed_dictionaries({}, optional=wanted))
    return row, {name: str(value) for name, value in fields.items()} if draw(st.booleans()) else fields


def refusal(model: str, **fields: Any) -> InvalidRequest:
    with pytest.raises(InvalidRequest) as refused:
        read_parameters(MODELS[model], fields)
    return refused.value


@given(requests())
def test_what_a_model_takes_reaches_its_adapter(request_: tuple[Capabilities, dict[str, Any]]) -> None:
    row, fields = request_
    parameters = read_parameters(row, fields)
    passed = Asked(**asked(parameters)).model_dump()
    for name, value in fields.items():
        assert str(passed[name]) == str(value)
    assert passed["seconds"] in row.seconds
    assert {name for name, value in passed.items() if value} - fields.keys() <= {
        "seconds",
        "resolution",
        "size",
        "aspect_ratio",
    }


@given(names, st.sampled_from(["seed", "audio", "negative_prompt", "size", "aspect_ratio", "resolution"]))
def test_what_it_does_not_take_is_refused_and_told(model: str, name: str) -> None:
    row = MODELS[model]
    takes = {
        "seed": row.seed,
        "audio": row.audio is Audio.SWITCH,
        "negative_prompt": bool(row.negative_prompt),
        "size": bool(row.sizes),
        "aspect_ratio": bool(row.aspect_ratios),
        "resolution": bool(row.resolutions),
    }
    if not takes[name]:
        error = refusal(model, **{name: "1"})
        assert (error.code, error.param) == ("unsupported_parameter", name)
        assert "seconds" in error.message
    else:
        assert f"{name}" in refusal(model, canary="1").message


@pytest.mark.parametrize(
    ("model", "fields", "code", "told"),
    [
        ("kling-v2-6", {"seconds": "7"}, "unsupported_parameter", "5, 10"),
        ("kling-v2-6", {"resolution": "720P"}, "unsupported_parameter", "std, pro"),
        ("kling-v2-6", {"seconds": "soon"}, "invalid_request", "seconds"),
        ("kling-v2-6", {"seconds": 5.5}, "invalid_request", "seconds"),
        ("kling-v2-6", {"seconds": [5]}, "invalid_request", "seconds"),
        ("kling-v2-6", {"audio": "loud"}, "invalid_request", "audio"),
        ("kling-v2-6", {"negative_prompt": "x" * 2501}, "invalid_request", "2500"),
        ("kling-v2-6", {"negative_prompt": "\ud800"}, "invalid_request", "negative_prompt"),
        ("kling-v2-6", {"fps": 24}, "unsupported_parameter", "seconds"),
        ("wan-2.7", {"seed": 2**31}, "invalid_request", "seed"),
        ("wan-2.7", {"seed": -1}, "invalid_request", "seed"),
    ],
    ids=str,
)
def test_a_wrong_value_is_refused(model: str, fields: dict[str, Any], code: str, told: str) -> None:
    error = refusal(model, **fields)
    assert error.code == code
    assert told in error.message


def test_no_refusal_repeats_what_was_sent() -> None:
    for fields in ({"resolution": "quux"}, {"quux": 1}, {"seconds": "quux"}, {"audio": "quux"}):
        error = refusal("kling-v3", **fields)
        assert "quux" not in f"{error.message} {error.param}"


def test_somebodys_own_words_are_not_in_what_is_stored_in_clear() -> None:
    parameters = read_parameters(MODELS["wan-2.7"], {"negative_prompt": "quux"})
    assert "quux" not in str(parameters.model_dump())
    assert "quux" not in repr(parameters)
    assert asked(parameters)["negative_prompt"] == "quux"


def test_what_was_stored_can_be_asked_for_again() -> None:
    for row in MODELS.values():
        parameters = read_parameters(row, {})
        assert read_parameters(row, parameters.model_dump()) == parameters
        assert parameters.seconds == row.seconds[0]


@pytest.mark.parametrize(
    ("fields", "size"),
    [
        ({"size": "1280x720"}, (1280, 720)),
        ({"resolution": "1080P"}, (1440, 1080)),
        ({"resolution": "pro"}, (960, 720)),
        ({"resolution": "1080p", "aspect_ratio": "9:16"}, (1080, 1920)),
        ({"aspect_ratio": "21:9"}, (1680, 720)),
    ],
    ids=str,
)
def test_the_size_is_as_far_as_can_be_said(fields: dict[str, Any], size: tuple[int, int]) -> None:
    assert ProviderParameters(seconds=5, **fields).output_size(400, 300) == size

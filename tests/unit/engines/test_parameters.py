"""Parameters: strings as forms send them, and clear refusals."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from serve.engines.parameters import MAX_SIDE, MIN_SIDE, VideoParameters

sides = st.integers(1, 20_000)


def test_defaults() -> None:
    parameters = VideoParameters()

    assert parameters.frame_count == 96
    assert parameters.output_size(832, 480) == (832, 480)
    assert parameters.output_size(4000, 3000) == (730, 548)


def test_numbers_and_booleans_may_be_strings() -> None:
    form = {"seconds": "4", "fps": "30", "strength": "0.25", "loop": "true", "seed": "7"}

    assert VideoParameters.model_validate(form) == VideoParameters(seconds=4, fps=30, strength=0.25, loop=True, seed=7)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("seconds", "nan", "finite"),
        ("seconds", "inf", "finite"),
        ("seconds", -1, "greater than or equal to 1"),
        ("seconds", 1e300, "less than or equal to 20"),
        ("seconds", "four", "number"),
        ("fps", 11, "greater than or equal to 12"),
        ("fps", 61, "less than or equal to 60"),
        ("fps", 24.5, "integer"),
        ("strength", "nan", "finite"),
        ("strength", 1.01, "less than or equal to 1"),
        ("size", "255x480", "between 256 and 1920"),
        ("size", "99999x480", "between 256 and 1920"),
        ("size", "832*480", "match pattern"),
        ("size", "8３2x480", "match pattern"),
        ("size", "832x480\n", "match pattern"),
        ("camera", "fly", "'auto', 'dolly_in'"),
        ("easing", "bounce", "'smooth'"),
        ("seed", -1, "greater than or equal to 0"),
        ("seed", 2**31, "less than or equal to 2147483647"),
        ("prompt", "a secret", "not permitted"),
    ],
)
def test_refusals_are_clear_and_do_not_echo(field: str, value: object, message: str) -> None:
    with pytest.raises(ValidationError, match=message) as refused:
        VideoParameters.model_validate({field: value})
    assert "a secret" not in str(refused.value)


@given(sides, sides)
def test_every_output_can_be_encoded(width: int, height: int) -> None:
    for parameters in (
        VideoParameters(),
        VideoParameters(size="1919x257", fit="keep"),
        VideoParameters(size="257x1919"),
    ):
        for side in parameters.output_size(width, height):
            assert MIN_SIDE <= side <= MAX_SIDE
            assert side % 2 == 0


def test_keep_stays_within_the_size_and_keeps_the_aspect() -> None:
    assert VideoParameters(size="832x480", fit="keep").output_size(1000, 1000) == (480, 480)
    assert VideoParameters(size="832x480", fit="crop").output_size(1000, 1000) == (832, 480)

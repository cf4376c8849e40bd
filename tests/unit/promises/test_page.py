"""The page on promises is the one that the list, the tests and the mutants make, and the list is whole."""

from pathlib import Path

import pytest

from tests.promises.harness import register
from tests.promises.harness.marked import marked_tests
from tests.promises.harness.page import PAGE, page

LAST = 147


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "python -m tests.promises.harness.page"


def test_every_clause_of_the_policy_is_listed_once_and_in_order() -> None:
    numbers = [promise.number for section in register.read() for promise in section.promises]
    assert numbers == [f"P{number}" for number in range(1, LAST + 1)]


def test_a_promise_without_a_claim_is_planned() -> None:
    lines = page().splitlines()
    for promise in (promise for section in register.read() for promise in section.promises):
        (state,) = [line.split(" | ")[2] for line in lines if line.startswith(f"| {promise.number} | {promise.text} |")]
        assert state.startswith("planned" if promise.claim is None else "**kept")


@pytest.mark.parametrize("field", ["kepd: {}", "kept: {P1: {enforcement: []}}", "kept: {P1: {enforced: [a]}}"])
def test_a_list_with_an_unknown_or_an_empty_field_is_refused(tmp_path: Path, field: str) -> None:
    file = tmp_path / "promises.yaml"
    file.write_text(f"sections: [{{letter: A, title: B, promises: {{P1: C}}}}]\n{field}\n")
    with pytest.raises(ValueError, match="validation error"):
        register.read(file)


def test_marks_count_on_module_function_and_case(tmp_path: Path) -> None:
    (tmp_path / "test_marks.py").write_text(
        'pytestmark = pytest.mark.promise("P1")\n\n'
        '@pytest.mark.parametrize("x", [pytest.param(1, marks=pytest.mark.promise("P3"))])\n'
        '@pytest.mark.promise("P2", "P1")\n'
        "def test_it(x): pass\n\n"
        'def test_other(): pass\n\ndef helper(): return pytest.mark.promise("P9")\n'
    )
    (name, other) = (f"{tmp_path.name}/test_marks.py::{test}" for test in ("test_it", "test_other"))
    assert marked_tests(tmp_path) == {"P1": [name, other], "P2": [name], "P3": [name]}

"""A mutant is in force everywhere in the program, for the length of a block, and nowhere after it."""

import sys
from types import ModuleType
from typing import get_type_hints

import pytest

from tests.promises.harness.substitution import Unresolvable, resolve, substituted


class Body:
    """What a route takes."""

    @property
    def size(self) -> int:
        """A number."""
        return 1

    @staticmethod
    def name() -> str:
        """A word."""
        return "true"

    def text(self) -> str:
        """Another."""
        return "true"


def said() -> str:
    """Something."""
    return "true"


def route(body: Body, other: Body | None) -> None:
    """It takes two."""


NUMBER = 1


def here(name: str) -> str:
    return f"{__name__}:{name}"


def test_a_function_is_replaced_wherever_a_module_holds_it(monkeypatch: pytest.MonkeyPatch) -> None:
    other = ModuleType("another_module")
    other.its_own_name_for_it = said  # type: ignore[attr-defined]  # a module is what one makes of it
    monkeypatch.setitem(sys.modules, other.__name__, other)
    with substituted(resolve(here("said")), lambda: "broken"):
        assert said() == other.its_own_name_for_it() == "broken"
    assert said() == other.its_own_name_for_it() == "true"


@pytest.mark.parametrize("name", ["Body.text", "Body.name", "Body.size"])
def test_a_member_is_replaced_as_what_it_is(name: str) -> None:
    target = resolve(here(name))
    with substituted(target, lambda *_: "broken"):
        assert "broken" in (Body().text(), Body.name(), Body().size)
    assert (Body().text(), Body.name(), Body().size) == ("true", "true", 1)


def test_a_class_is_replaced_in_annotations(monkeypatch: pytest.MonkeyPatch) -> None:
    class Other(Body):
        """Not the same."""

    with substituted(resolve(here("Body")), Other):
        assert list(get_type_hints(route).values())[:2] == [Other, Other | None]
    assert list(get_type_hints(route).values())[:2] == [Body, Body | None]


def test_the_true_program_is_back_after_an_error() -> None:
    with pytest.raises(RuntimeError), substituted(resolve(here("said")), lambda: "broken"):
        raise RuntimeError
    assert said() == "true"


@pytest.mark.parametrize("name", ["nothing", "Body.nothing", "NUMBER", "said.nothing"])
def test_what_cannot_be_replaced_is_refused(name: str) -> None:
    with pytest.raises(Unresolvable):
        resolve(here(name))


def test_a_module_that_is_not_there_is_refused() -> None:
    with pytest.raises(Unresolvable):
        resolve("nowhere.at_all:function")

"""The page on promises, made from the list of them, the mutants and the markers of tests.

`python -m tests.promises.harness.page` writes it; a test compares.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.promises.harness import mutation, register
from tests.promises.harness.marked import marked_tests
from tests.promises.harness.mutation import Mutant
from tests.promises.harness.register import Promise

__all__ = ["PAGE", "page"]

PAGE = Path(__file__).parents[3] / "docs" / "promises.md"

_HEAD = """\
# The promises

<!-- Made by `python -m tests.promises.harness.page` from configs/promises.yaml, the tests and the mutants. -->

Every clause of the service's privacy policy, by its number. A promise is **kept** when the code named beside it
enforces it, the tests named beside it pass, and each of them fails once a *mutant* disables that code. `make promises`
runs every test under every mutant and demands so. What is kept in part says how far. Everything else is **planned**:
whatever the code does of it already is not proven here, and nobody should rely on it. A *document* is kept by a served,
versioned text.
"""


def page(file: Path = register.FILE) -> str:
    """The page as it must be today."""
    sections, tests, mutants = register.read(file), marked_tests(), mutation.load()
    promises = [promise for section in sections for promise in section.promises]
    kept = [promise for promise in promises if promise.claim]
    lines = [_HEAD, f"{len(kept)} of {len(promises)} are kept, wholly or in part."]
    for section in sections:
        lines += ["", f"## {section.letter}. {section.title}", "", "| promise | | state |", "|---|---|---|"]
        lines += [f"| {promise.number} | {promise.text} | {_state(promise)} |" for promise in section.promises]
    lines += ["", "## What keeps them", "", "| promise | enforced by | tests | mutants |", "|---|---|---|---|"]
    lines += [_proof(promise, tests, mutants) for promise in kept]
    return "\n".join(lines) + "\n"


def _state(promise: Promise) -> str:
    if promise.claim:
        return f"**kept in part**: {promise.claim.extent}" if promise.claim.extent else "**kept**"
    return "planned (document)" if promise.is_document else "planned"


def _proof(promise: Promise, tests: Mapping[str, Sequence[str]], mutants: Sequence[Mutant]) -> str:
    claim = promise.claim
    columns = (
        claim.enforcement if claim else (),
        [test.removeprefix("tests/") for test in tests.get(promise.number, ())],
        [mutant.name for mutant in mutants if promise.number in mutant.promises],
    )
    return f"| {promise.number} | " + " | ".join(map(_cell, columns)) + " |"


def _cell(names: Sequence[str]) -> str:
    return "<br>".join(f"`{name}`" for name in names)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")

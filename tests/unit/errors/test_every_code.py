"""Each code that the page on errors names is produced by a test, which says it out loud."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from serve.error_page import page
from tests.unit.errors.produced import PRODUCED

TESTS = Path(__file__).parents[2]
CASES = [(section, code) for section, codes in PRODUCED.items() for code in codes]


def codes_by_section() -> dict[str, set[str]]:
    parts = ("\n" + page()).split("\n## ")
    named = {"": parts[0]} | {part.partition("\n")[0]: part for part in parts[1:]}
    return {name: set(re.findall(r"^\| `(\w+)` \|", part, re.MULTILINE)) for name, part in named.items()}


@cache
def definitions(file: Path) -> dict[str, ast.AST]:
    """The functions and constants of a module, by name."""
    found: dict[str, ast.AST] = {}
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef):
            found[node.name] = node
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found |= {target.id: node for target in targets if isinstance(target, ast.Name)}
    return found


def said(file: Path, name: str) -> set[str]:
    """The texts in a test, and in what it uses of its own module."""
    known, seen, waiting, texts = definitions(file), set[str](), [name], set[str]()
    while waiting:
        current = waiting.pop()
        seen.add(current)
        for node in ast.walk(known[current]):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                texts.add(node.value)
            if isinstance(node, ast.Name) and node.id in known and node.id not in seen:
                waiting.append(node.id)
    return texts


def test_every_code_of_the_page_has_its_test() -> None:
    assert {section: set(codes) for section, codes in PRODUCED.items() if codes} == codes_by_section()


@pytest.mark.parametrize(("section", "code"), CASES)
def test_its_test_is_there_and_names_it(section: str, code: str) -> None:
    place, _, name = PRODUCED[section][code].partition("::")
    folder, _, module = place.rpartition("/")
    (file,) = [one for one in (TESTS / "unit" / folder, TESTS / folder) if (one / f"test_{module}.py").is_file()]
    assert code in said(file / f"test_{module}.py", f"test_{name}")

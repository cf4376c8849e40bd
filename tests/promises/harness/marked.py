"""Which tests are marked with which promises, read from their source, so that nothing need be collected or run."""

import ast
from collections.abc import Iterator
from pathlib import Path

__all__ = ["TESTS", "marked_tests"]

TESTS = Path(__file__).parents[2]


def marked_tests(folder: Path = TESTS) -> dict[str, list[str]]:
    """The tests of each promise as `folder/file.py::function`, relative to the folder's parent.

    Markers count on the function and on the parameters of its cases.
    """
    found: dict[str, list[str]] = {}
    for file in sorted(folder.rglob("test_*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                for number in sorted(set(_numbers(node))):
                    name = f"{file.relative_to(folder.parent).as_posix()}::{node.name}"
                    found.setdefault(number, []).append(name)
    return found


def _numbers(function: ast.FunctionDef) -> Iterator[str]:
    for decorator in function.decorator_list:
        for node in ast.walk(decorator):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.promise":
                yield from (ast.literal_eval(number) for number in node.args)

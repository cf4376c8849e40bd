"""Which tests are marked with which promises, read from their source, so that nothing need be collected or run."""

import ast
from collections.abc import Iterator
from pathlib import Path

__all__ = ["TESTS", "marked_tests"]

TESTS = Path(__file__).parents[2]


def marked_tests(folder: Path = TESTS) -> dict[str, list[str]]:
    """The tests of each promise as `folder/file.py::function`, relative to the folder's parent.

    Markers count on the module, on the function and on the parameters of its cases.
    """
    found: dict[str, list[str]] = {}
    for file in sorted(folder.rglob("test_*.py")):
        module = ast.parse(file.read_text(encoding="utf-8"))
        of_all = [number for node in module.body if _marks_module(node) for number in _numbers(node)]
        for node in module.body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                own = [number for decorator in node.decorator_list for number in _numbers(decorator)]
                for number in sorted({*of_all, *own}):
                    name = f"{file.relative_to(folder.parent).as_posix()}::{node.name}"
                    found.setdefault(number, []).append(name)
    return found


def _marks_module(node: ast.stmt) -> bool:
    return isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "pytestmark"


def _numbers(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.promise":
            yield from (ast.literal_eval(number) for number in node.args)

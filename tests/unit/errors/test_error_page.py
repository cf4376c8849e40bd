"""The page on errors is the one that the errors make, and each error on it is one that the service gives."""

import ast
import asyncio
import re
from collections.abc import Iterator
from typing import get_args

import httpx
import pytest
from fastapi import FastAPI

from cluster import errors
from cluster.errors import ServiceError
from serve.error_page import PAGE, page
from serve.ingress import error_answers
from serve.media.errors import REFUSED_FOR, MediaCode

ROOT = PAGE.parents[1]
NOT_GIVERS = {"errors.py", "error_page.py"}
SOURCES = [file for folder in ("serve", "cluster") for file in sorted((ROOT / folder).rglob("*.py"))]
KINDS = [getattr(errors, name) for name in errors.__all__]


class Uses(ast.NodeVisitor):
    """The names that a module uses, but for where an error is only documented, caught, told apart or refined."""

    def __init__(self) -> None:
        self.found: set[str] = set()

    def visit_Name(self, node: ast.Name) -> None:
        self.found.add(node.id)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        self.found.add(node.attr)
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        if getattr(node.func, "id", None) not in {"documented", "suppress", "isinstance"}:
            self.generic_visit(node)

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> None:
        for statement in node.body:
            self.visit(statement)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        for statement in node.body:
            self.visit(statement)


def used(source: str) -> set[str]:
    uses = Uses()
    uses.visit(ast.parse(source))
    return uses.found


def constants(tree: ast.Module) -> dict[str, ast.expr]:
    """What the names of a module stand for."""
    assigned = [node for node in tree.body if isinstance(node, ast.AnnAssign) and node.value]
    return {node.target.id: node.value for node in assigned if isinstance(node.target, ast.Name) and node.value}


def given_codes() -> Iterator[tuple[str, int]]:
    """Codes that the HTTP application gives to single cases, as they stand in its calls, with their status."""
    for file in SOURCES:
        if file.is_relative_to(ROOT / "serve"):
            tree = ast.parse(file.read_text())
            named = constants(tree)
            for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
                kind = getattr(errors, getattr(call.func, "id", getattr(call.func, "attr", "")), None)
                values = [keyword.value for keyword in call.keywords if keyword.arg == "code"]
                if kind is not None:
                    known = [named.get(getattr(value, "id", ""), value) for value in values]
                    yield from ((str(value.value), kind.status) for value in known if isinstance(value, ast.Constant))


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "python -m serve.error_page"


def test_every_code_stands_on_the_page_once() -> None:
    listed = re.findall(r"^\| `(\w+)` \|", page(), re.MULTILINE)
    tables = page().split("\n## ")
    assert {kind.code for kind in KINDS} <= set(listed)
    assert {code for code, _ in given_codes()} >= {"model_retired", "too_many_logins", "unsupported_parameter"}
    for code, status in given_codes():
        assert f"\n| `{code}` | {status} |" in page()
    assert set(REFUSED_FOR) == set(get_args(MediaCode))
    for table in tables:
        codes = re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)
        assert len(codes) == len(set(codes))


def test_an_error_that_is_only_spoken_of_is_not_given() -> None:
    spoken_of = (
        "documented(Lost)\ntry:\n    pass\nexcept Lost:\n    pass\nclass Found(Lost):\n    pass\nfrom x import Lost"
    )
    assert used(spoken_of) == set()
    assert used("raise errors.Lost('gone')") == {"Lost", "errors"}


def test_every_error_is_given_somewhere() -> None:
    somewhere = set[str]().union(*(used(file.read_text()) for file in SOURCES if file.name not in NOT_GIVERS))
    assert {kind.__name__ for kind in KINDS} <= somewhere


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_is_answered_as_the_page_says(kind: type[ServiceError]) -> None:
    application = FastAPI()
    error_answers.install(application)

    @application.get("/")
    async def fail() -> None:
        raise kind

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(application, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
            return await client.get("/")

    answer = asyncio.run(ask())
    row = next(line for line in page().splitlines() if line.startswith(f"| `{kind.code}` | {kind.status} |"))
    assert answer.status_code == kind.status
    assert answer.json() == {
        "error": {"message": kind.message, "type": kind.type, "param": None, "code": kind.code},
    }
    assert answer.json()["error"]["message"] in row
    assert (answer.headers.get("x-should-retry") == "true") == row.endswith("| yes |")
    assert ("retry-after-ms" in answer.headers) == row.endswith("| yes |")

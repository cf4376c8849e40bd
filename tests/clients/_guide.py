"""A page of the documentation as a program: its blocks in order, in one shell, so that what one exports others have."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

__all__ = ["script"]

_BLOCK: Final = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_FILE: Final = re.compile(r"# ([\w/]+\.\w+)\n")
"""The first line of a block that is a file, and is not run by itself."""
_RUN_BY: Final = {"python": "python", "js": "node"}
_END: Final = "END-OF-BLOCK"


def script(page: Path) -> str:
    """The page's blocks as a script for bash, which ends at the first that fails and says which it was.

    Raises:
        ValueError: a block is in a language that nothing here runs.
    """
    text = page.read_text(encoding="utf-8")
    lines = ["set -euo pipefail"]
    for number, block in enumerate(_BLOCK.finditer(text)):
        line = text.count("\n", 0, block.start()) + 1
        lines += [f"echo '{page.name}, line {line}' >&2", *_commands(number, block[1], block[2])]
    return "\n".join(lines)


def _commands(number: int, language: str, text: str) -> Iterator[str]:
    if named := _FILE.match(text):
        yield _written(named[1], text)
    elif language == "sh":
        yield text
    elif language in _RUN_BY:
        name = f"block{number}.{'mjs' if language == 'js' else 'py'}"
        yield _written(name, text)
        yield f"{_RUN_BY[language]} {name}"
    else:
        raise ValueError(f"nothing runs a block of {language!r}")


def _written(name: str, text: str) -> str:
    return f"cat > {name} <<'{_END}'\n{text}{_END}"

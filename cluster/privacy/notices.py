"""Notices: what a person is told before they answer for a purpose.

A notice is a Markdown file with a YAML head. Its version is a digest of the whole file, so that a text cannot
change under an answer that was given to it.
"""

import hashlib
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from cluster.privacy.purposes import UsedFor

__all__ = ["Notice", "NoticeError", "parse", "read_folder"]

_FENCE = "---\n"


class NoticeError(ValueError):
    """A notice is incomplete and cannot be published."""


class _Head(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    purpose: Annotated[UsedFor, Field(pattern=r"^(share:)?[a-z_]+$")]
    title: str = Field(min_length=3)
    data: tuple[str, ...] = Field(min_length=1, description="What is used.")
    recipient: str = Field(min_length=2, description="Who gets it.")
    country: str = Field(min_length=2, description="Where.")
    how: str = Field(min_length=10, description="How it is used, and how to take consent back.")


class Notice(_Head):
    """One published text: what data, who gets it, where, how, and the words themselves."""

    version: str
    text: str = Field(min_length=40)


def parse(source: str) -> Notice:
    """Read one notice file.

    Raises:
        NoticeError: the head or the text lacks what a person must be told.
    """
    parts = source.split(_FENCE, 2)
    if len(parts) != 3 or parts[0]:
        raise NoticeError("A notice starts with a YAML head between two lines of '---'.")
    version = hashlib.sha256(source.encode()).hexdigest()[:32]
    try:
        return Notice(**yaml.safe_load(parts[1]), version=version, text=parts[2].strip())
    except (yaml.YAMLError, ValidationError, TypeError) as error:
        raise NoticeError(f"The notice is incomplete: {error}") from None


def read_folder(folder: Path) -> dict[str, Notice]:
    """All notices of a folder by purpose.

    Raises:
        NoticeError: one is incomplete, or two are for the same purpose.
    """
    notices: dict[str, Notice] = {}
    for file in sorted(folder.glob("*.md")):
        notice = parse(file.read_text(encoding="utf-8"))
        if notice.purpose in notices:
            raise NoticeError(f"Two notices are for the purpose {notice.purpose!r}.")
        notices[notice.purpose] = notice
    return notices

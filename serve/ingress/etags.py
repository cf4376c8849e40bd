"""Documents that are the same for everybody: whoever has one already is told so, and whoever carries it may keep it."""

from typing import Annotated, Any, Final

from fastapi import Header

__all__ = ["UNCHANGED", "KnownTag", "headers", "is_known"]

_FRESH: Final = "public, max-age=300"
"""Nothing in such a document is anybody's own: whoever carries it may keep it for some minutes."""

UNCHANGED: Final[dict[int | str, dict[str, Any]]] = {
    304: {"description": "It still has the hash that `If-None-Match` names."}
}

KnownTag = Annotated[str | None, Header(alias="if-none-match", max_length=500)]


def headers(digest: str) -> dict[str, str]:
    """The headers of a document with this digest."""
    return {"etag": f'"{digest}"', "cache-control": _FRESH}


def is_known(digest: str, known: str | None) -> bool:
    """Whether ``If-None-Match`` names this version; a proxy that compresses marks the tag as weak."""
    return known is not None and f'"{digest}"' in {tag.strip().removeprefix("W/") for tag in known.split(",")}

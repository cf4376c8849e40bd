"""Identifiers: a prefix that names the kind, then 26 characters that sort by time of making.

The layout is that of a ULID: 48 bits of milliseconds, 80 random bits, in Crockford's base 32, lower case.
"""

import re
import secrets

from cluster import clock

__all__ = ["is_id", "new_id", "secret_token"]

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_SHAPE = re.compile(r"[a-z]+_[0-9a-hjkmnp-tv-z]{26}")


def new_id(kind: str) -> str:
    """A new identifier such as ``video_01k…``; two made in the same millisecond differ in 80 random bits."""
    number = int(clock.now().timestamp() * 1000) << 80 | secrets.randbits(80)
    characters = [_ALPHABET[(number >> shift) & 31] for shift in range(125, -5, -5)]
    return f"{kind}_{''.join(characters)}"


def is_id(kind: str, text: str) -> bool:
    """Whether ``text`` has the shape of an identifier of that kind."""
    return text.startswith(f"{kind}_") and _SHAPE.fullmatch(text) is not None


def secret_token(prefix: str) -> str:
    """A bearer credential with 256 random bits, recognisable by its prefix to secret scanners."""
    return f"{prefix}_{secrets.token_urlsafe(32)}"

"""Who may use the emulated Kling: an API key, or a token signed with a secret key, as older accounts have them."""

from typing import Final

import jwt
from jwt.types import Options

from cluster import clock

__all__ = ["EXPIRED", "INVALID", "MISSING", "NOT_YET", "authentication_failure"]

MISSING, INVALID, NOT_YET, EXPIRED = 1001, 1002, 1003, 1004
"""Kling's service codes."""

_LONGEST_LIFE: Final = 1800 + 60


def authentication_failure(token: str | None, api_key: str, access_key: str, secret_key: str) -> int | None:
    """The code with which Kling refuses a bearer token; None where it is good."""
    if token is None:
        return MISSING
    if token == api_key:
        return None
    try:
        # The instants are looked at below, by the one clock.
        options: Options = {"require": ["iss", "exp", "nbf"], "verify_exp": False, "verify_nbf": False}
        claims = jwt.decode(token, secret_key, algorithms=["HS256"], options=options, issuer=access_key)
    except jwt.InvalidTokenError:
        return INVALID
    return _instants(claims["nbf"], claims["exp"], clock.unix(clock.now()))


def _instants(begin: object, end: object, now: int) -> int | None:
    if not isinstance(begin, int) or not isinstance(end, int) or end - now > _LONGEST_LIFE:
        return INVALID
    if begin > now:
        return NOT_YET
    return EXPIRED if end <= now else None

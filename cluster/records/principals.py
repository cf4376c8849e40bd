"""Who is asking, by which credential, and what that credential may do."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

__all__ = ["EVERY_SCOPE", "GUEST_SCOPES", "Credential", "Principal", "Role", "Scope", "permits"]


class Credential(StrEnum):
    """The kinds of proof by which somebody comes in."""

    KEY = "key"
    SESSION = "session"
    GUEST = "guest"


class Role(StrEnum):
    """What an account is to this installation."""

    USER = "user"
    ML_ENGINEER = "ml_engineer"
    OPERATOR = "operator"
    MODERATOR = "moderator"


class Scope(StrEnum):
    """What a credential may be limited to. A key has the ones that it was made with, and never gains another."""

    VIDEOS_READ = "videos:read"
    VIDEOS_WRITE = "videos:write"
    ACCOUNT_READ = "account:read"
    ACCOUNT_WRITE = "account:write"
    PRIVACY = "privacy"


EVERY_SCOPE = tuple(scope.value for scope in Scope)
GUEST_SCOPES = tuple(scope.value for scope in Scope if scope is not Scope.ACCOUNT_WRITE)


@dataclass(frozen=True, slots=True)
class Principal:
    """An open account, and the live credential by which it came in.

    ``logged_in_at`` is when its owner last proved who they are; None for keys, which lie in files of programs.
    """

    account_id: str
    credential: Credential
    credential_id: str
    scopes: tuple[str, ...]
    epoch: int
    role: Role = Role.USER
    logged_in_at: datetime | None = None


def permits(scopes: Iterable[str], needed: Scope) -> bool:
    """Whether a credential of these scopes may do what ``needed`` names."""
    return needed.value in scopes

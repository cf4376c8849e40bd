"""The one cookie of this service: a session's token. Whoever takes no cookies sends it as a bearer token instead."""

from urllib.parse import urlsplit

from fastapi import Request, Response

from cluster import clock
from cluster.errors import CrossSite
from cluster.records.sessions import Session

__all__ = ["SESSION", "forget", "session_token", "set_session"]

SESSION = "i2v_session"

_HARMLESS = ("GET", "HEAD", "OPTIONS")
_OWN_PAGES = ("same-origin", "none")


def set_session(request: Request, response: Response, session: Session, token: str) -> None:
    """Have the browser keep the token until the session ends, out of reach of scripts and of other sites."""
    seconds = max(0, int(-clock.age_seconds(session.expires_at)))
    secure = request.url.scheme == "https"
    response.set_cookie(SESSION, token, max_age=seconds, path="/", secure=secure, httponly=True, samesite="strict")


def forget(response: Response) -> None:
    """Have the browser forget the token."""
    response.delete_cookie(SESSION, path="/", httponly=True, samesite="strict")


def session_token(request: Request) -> str | None:
    """The token of the cookie, or None.

    Raises:
        CrossSite: a page of another site would change something with it.
    """
    token = request.cookies.get(SESSION)
    if token is not None and request.method not in _HARMLESS and not _is_own_page(request):
        raise CrossSite
    return token


def _is_own_page(request: Request) -> bool:
    """Whether the browser says that one of our own pages asks: it sends one of these two headers with such requests."""
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    if site is not None:
        return site in _OWN_PAGES
    return origin is None or urlsplit(origin).netloc == request.headers.get("host")

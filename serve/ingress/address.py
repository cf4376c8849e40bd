"""Where a caller is, as the edge saw it; whoever did not come through the edge is served nothing.

The application reads `request.state.address`, and nothing else says where a request came from.
"""

import hmac
from collections.abc import Iterable
from ipaddress import IPv6Address, ip_address

from starlette.types import ASGIApp, Receive, Scope, Send

from cluster.deploy.edge import HEADER
from cluster.errors import NotThroughTheEdge
from serve.ingress.error_answers import answer

__all__ = ["AddressMiddleware"]

_SECRET, _FOR, _PROTO = HEADER.encode(), b"x-forwarded-for", b"x-forwarded-proto"
_HIDDEN = {_SECRET, _FOR, _PROTO, b"forwarded"}
_THIS_HOST = "127.0.0.1"


class AddressMiddleware:
    """Plain ASGI. Believes what is forwarded only together with the edge's secret, and hides both from ``app``."""

    def __init__(self, app: ASGIApp, secret: str | None) -> None:
        """With no ``secret`` there is no edge, and the connection itself says where a caller is."""
        self._app = app
        self._secret = secret.encode() if secret is not None else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Set ``scope["state"]["address"]``, or answer 403."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        address, scheme = self._origin(scope)
        if not address:
            await _refuse(scope, receive, send)
            return
        visible = [(name, value) for name, value in scope["headers"] if name not in _HIDDEN]
        state = {**scope.get("state", {}), "address": address}
        await self._app({**scope, "headers": visible, "state": state, "scheme": scheme}, receive, send)

    def _origin(self, scope: Scope) -> tuple[str | None, str]:
        """Address and scheme of the caller; no address where nobody vouches for one."""
        if self._secret is None:
            return _of_connection(scope), scope["scheme"]
        headers = list(scope["headers"])
        if not hmac.compare_digest(_only(headers, _SECRET), self._secret):
            return None, ""
        return _textual(_only(headers, _FOR).decode("latin-1")), _only(headers, _PROTO).decode("latin-1")


def _only(headers: Iterable[tuple[bytes, bytes]], wanted: bytes) -> bytes:
    """The value of a header that stands there once; of any other, nothing."""
    values = [value for name, value in headers if name == wanted]
    return values[0] if len(values) == 1 else b""


def _of_connection(scope: Scope) -> str:
    """A connection without an address begins on this host."""
    client = scope.get("client")
    return (_textual(client[0]) if client else None) or _THIS_HOST


def _textual(text: str) -> str | None:
    """An address in its one usual form: one of IPv4 that came over IPv6 is one of IPv4."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return str(mapped or address)


async def _refuse(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "http":
        await answer(NotThroughTheEdge())(scope, receive, send)
    else:
        await send({"type": "websocket.close", "code": 1008})

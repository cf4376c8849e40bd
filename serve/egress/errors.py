"""What goes wrong on the way out, as one exception with a code."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from cluster import telemetry
from serve.url_failures import UrlFailure

__all__ = ["EgressFailed", "MayNotLeave", "NotYet", "translated"]


class EgressFailed(Exception):
    """A connection was refused by us, or did not do what it was made for; the code says why."""

    def __init__(self, code: UrlFailure) -> None:
        """Fail with ``code``."""
        super().__init__(code.value)
        self.code = code


class MayNotLeave(Exception):
    """What was about to be sent may not be sent any more. Raised by a last look, which knows why."""

    def __init__(self, code: str = "consent_withdrawn") -> None:
        """Refuse for ``code``, one of `serve.failures`."""
        super().__init__(code)
        self.code = code


class NotYet(MayNotLeave):
    """It may be sent, and not at this moment: the recipient gets as much as it shall already."""

    def __init__(self) -> None:
        """Refuse for now."""
        super().__init__("rate_limited")


@contextmanager
def translated() -> Iterator[None]:
    """Turn what the HTTP client and the clock raise into `EgressFailed`, without their texts, which quote URLs.

    `MayNotLeave` is no failure of the connection, and stays what it is.
    """
    try:
        yield
    except (httpx.TimeoutException, TimeoutError):
        raise EgressFailed(UrlFailure.TOO_SLOW) from None
    except (httpx.HTTPError, OSError) as error:
        raise EgressFailed(UrlFailure.CERTIFICATE if _untrusted(error) else UrlFailure.UNREACHABLE) from None
    except (EgressFailed, MayNotLeave):
        raise
    except Exception as error:
        telemetry.log_failure("egress_failed", error)
        raise EgressFailed(UrlFailure.UNREACHABLE) from None


def _untrusted(error: BaseException | None) -> bool:
    """Whether a certificate was refused; the client wraps that several times."""
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return True
        error = error.__cause__ or error.__context__
    return False

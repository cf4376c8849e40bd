"""Quotas: counts what accounts ask for, for everybody who knocks together, and says who asks for too much."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from sqlalchemy import Connection

from cluster.errors import TooManyRequests, TooManyStreams
from cluster.records import allowances, open_streams
from cluster.records.allowances import Allowance, RequestKind, Spender
from cluster.settings import Admission
from serve.ingress.rate_limit_headers import headers

__all__ = ["Asking", "Granted", "grant"]

_STREAM_SECONDS: Final = 5
"""When to come back for another stream; nobody knows how long they take."""


@dataclass(frozen=True, slots=True)
class Asking:
    """A request: of which account, taken from which allowance, and whether its answer takes long."""

    account_id: str
    kind: RequestKind
    streams: bool


@dataclass(frozen=True, slots=True)
class Granted:
    """What is left to the account, and the stream that was opened for it, to be closed again."""

    allowance: Allowance
    stream_id: str | None = None


def grant(
    connection: Connection, limits: Admission, asking: Mapping[int, Asking]
) -> dict[int, Granted | TooManyRequests]:
    """The outcome of each: one statement for all requests, and three more where there are streams among them."""
    spent = _spend(connection, limits, asking)
    allowed = {place: left for place, left in spent.items() if isinstance(left, Allowance)}
    streams = _open(connection, limits, asking, allowed)
    refused = {place: left for place, left in spent.items() if isinstance(left, TooManyRequests)}
    granted = {place: Granted(left) for place, left in allowed.items()}
    return granted | refused | streams


def _spend(
    connection: Connection, limits: Admission, asking: Mapping[int, Asking]
) -> dict[int, Allowance | TooManyRequests]:
    """What is left to each; the first of an account are served before the others."""
    spenders: dict[int, Spender] = {place: (each.account_id, each.kind) for place, each in asking.items()}
    taken = allowances.take(connection, Counter(spenders.values()), _per_minute(limits))
    served: Counter[Spender] = Counter()
    outcomes: dict[int, Allowance | TooManyRequests] = {}
    for place, spender in spenders.items():
        found = taken[spender]
        served[spender] += 1
        behind = found.granted - served[spender]
        if behind >= 0:
            outcomes[place] = replace(found.left, remaining=found.left.remaining + behind)
        else:
            outcomes[place] = TooManyRequests(headers=headers(found.left), retry_after=found.wait)
    return outcomes


def _open(
    connection: Connection, limits: Admission, asking: Mapping[int, Asking], allowed: Mapping[int, Allowance]
) -> dict[int, Granted | TooManyRequests]:
    wanted = [place for place in allowed if asking[place].streams]
    owners = [asking[place].account_id for place in wanted]
    opened = open_streams.open_each(connection, owners, limits.streams_per_account)
    return {
        place: Granted(allowed[place], stream_id)
        if stream_id
        else TooManyStreams(headers=headers(allowed[place]), retry_after=_STREAM_SECONDS)
        for place, stream_id in zip(wanted, opened, strict=True)
    }


def _per_minute(limits: Admission) -> dict[RequestKind, int]:
    return {
        RequestKind.CREATE: limits.creates_per_minute,
        RequestKind.READ: limits.reads_per_minute,
        RequestKind.STREAM: limits.streams_per_minute,
    }

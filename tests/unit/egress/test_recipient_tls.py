"""Third parties are reached over TLS that holds, or not at all; results never lead back into the clear."""

import asyncio
from collections.abc import Awaitable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from serve.egress.client import Client, Timeouts
from serve.egress.pinning import Rules
from serve.egress.wire import RecipientLine
from serve.recipients.wire import ControlRequest, LostOnTheWay, NotSent, Reply
from tests.outside import PUBLIC, Names, outside, rules
from tests.unit.egress.certificates import Authority

NAME = "api.provider.example"
KEY = {"authorization": "Bearer a-key"}


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """An authority that nobody else trusts."""
    return Authority(tmp_path)


def line(names: Names, authority: Authority | None, over: Rules | None = None) -> RecipientLine:
    trusted = authority.trusted() if authority else None
    return RecipientLine(Client(Timeouts(5, 5, 10), trusted), over or rules(names), 1 << 20)


def ask(call: Awaitable[Reply]) -> Reply:
    async def run() -> Reply:
        return await call

    return asyncio.run(run())


def test_a_certificate_of_the_name_is_good(authority: Authority, names: Names) -> None:
    names.stand_for(NAME, [PUBLIC])
    with outside(tls=authority.host(NAME)) as host:
        host.gives("/tasks", b"{}")
        reply = ask(line(names, authority).call(ControlRequest("GET", host.url("/tasks", NAME), KEY)))
        assert (reply.status, host.seen[0].headers["authorization"]) == (200, "Bearer a-key")


@pytest.mark.parametrize(
    ("of", "life", "trusted"),
    [
        ("other.example", timedelta(days=1), True),
        (NAME, timedelta(days=-1), True),
        (NAME, timedelta(days=1), False),
    ],
    ids=["wrong name", "expired", "self-signed"],
)
def test_any_other_certificate_is_refused_before_a_header_is_sent(
    authority: Authority, names: Names, of: str, life: timedelta, trusted: bool
) -> None:
    names.stand_for(NAME, [PUBLIC])
    with outside(tls=authority.host(of, life)) as host:
        one = line(names, authority if trusted else None)
        with pytest.raises((NotSent, LostOnTheWay)):
            ask(one.call(ControlRequest("GET", host.url("/tasks", NAME), KEY)))
        assert host.seen == []


def test_a_redirect_is_not_followed_by_a_call_and_carries_no_key_by_a_fetch(authority: Authority, names: Names) -> None:
    names.stand_for(NAME, [PUBLIC])
    names.stand_for("results.example", [PUBLIC])
    with outside(tls=authority.host("results.example")) as other, outside(tls=authority.host(NAME)) as host:
        other.gives("/video", b"a video")
        host.leads("/video", other.url("/video", "results.example"))
        one = line(names, authority)
        assert ask(one.call(ControlRequest("GET", host.url("/video", NAME), KEY))).status == 302
        assert other.seen == []
        assert ask(one.fetch(host.url("/video", NAME), KEY)).body == b"a video"
        assert "authorization" not in other.seen[0].headers


def test_a_redirect_into_the_clear_is_refused(authority: Authority, names: Names) -> None:
    """Here plain http is good for nobody: the test's own address is public to these rules, not allowed by name."""
    names.stand_for(NAME, [PUBLIC])
    names.stand_for("clear.example", ["93.184.215.14"])
    with outside(tls=authority.host(NAME)) as host:
        host.leads("/video", "http://clear.example/video")
        with pytest.raises(NotSent):
            ask(line(names, authority).fetch(host.url("/video", NAME)))


def test_an_answer_without_end_is_not_taken(authority: Authority, names: Names) -> None:
    names.stand_for(NAME, [PUBLIC])
    with outside(tls=authority.host(NAME)) as host:
        host.never_ends("/tasks", b"x" * 65536)
        request: Any = ControlRequest("GET", host.url("/tasks", NAME), most=200_000)
        with pytest.raises(LostOnTheWay):
            ask(line(names, authority).call(request))

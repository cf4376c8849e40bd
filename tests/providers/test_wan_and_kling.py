"""What is particular to two of them: a list without ids of ours, an older body, an older kind of key."""

from dataclasses import replace
from typing import Any

import pytest

from tests import handing_over
from tests.emulators.script import Endpoint, Fault
from tests.fixtures_recipients import Uses


def test_a_lost_answer_of_wan_is_never_taken_for_somebody_elses_task(uses: Uses) -> None:
    """One was accepted and its answer lost; another never arrived. Neither is given the other's video."""
    upstream = uses("wan")
    upstream.emulator.script.add(Endpoint.CREATE, Fault.DROP_AFTER_ACCEPT)
    upstream.emulator.script.add(Endpoint.CREATE, Fault.DROP_BEFORE)
    first, second = (upstream.job(upstream.somebody(), prompt=words) for words in ("hers", "his"))
    found = upstream.to_the_end(first, second)
    assert [(one.state, one.failure, one.task) for one in found] == [("failed", "internal", None)] * 2
    assert upstream.emulator.tasks.paid == 1


def test_a_lost_answer_of_wan_that_did_not_arrive_is_sent_again(uses: Uses) -> None:
    upstream = uses("wan")
    upstream.emulator.script.add(Endpoint.CREATE, Fault.DROP_BEFORE)
    (found,) = upstream.to_the_end(upstream.job(upstream.somebody()))
    assert (found.state, found.attempts, upstream.emulator.tasks.paid) == ("done", 2, 1)


def test_an_older_wan_takes_its_own_body(uses: Uses, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(handing_over.MODELS, "wan", "wan-2.6")
    upstream = uses("wan")
    (found,) = upstream.to_the_end(upstream.job(upstream.somebody()))
    assert (found.state, found.model) == ("done", "wan2.6-i2v")
    assert b'"img_url"' in bytes(upstream.server.record.bodies[0])


@pytest.mark.parametrize(("secret", "state"), [("right", "done"), ("wrong", "failed")])
def test_kling_takes_older_keys_of_which_a_token_is_made(uses: Uses, secret: str, state: str) -> None:
    upstream = uses("kling")
    emulator: Any = upstream.emulator
    known = emulator.secret_key if secret == "right" else "another-secret-key-of-at-least-32-bytes"
    upstream = replace(upstream, secrets={"access_key": emulator.access_key, "secret_key": known})
    (found,) = upstream.to_the_end(upstream.job(upstream.somebody()))
    assert (found.state, found.failure) == (state, None if state == "done" else "auth")

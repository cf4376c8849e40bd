"""What an endpoint is told, signed as Standard Webhooks describes it, and nothing more."""

import asyncio
from dataclasses import fields
from datetime import timedelta

import pytest
from openai import InvalidWebhookSignatureError, OpenAI
from standardwebhooks import Webhook, WebhookVerificationError

from cluster import clock
from serve.egress.backoff import pause_after
from serve.egress.client import Client, Timeouts
from serve.egress.delivery import Event, deliver
from serve.egress.download import Download
from serve.egress.errors import EgressFailed
from tests.outside import Names, Outside, Seen, rules

SECRET, OLD = "whsec_" + "c2VjcmV0" * 4, "whsec_" + "b3RoZXIh" * 4
TIMEOUTS = Timeouts(5, 5, 10)


def event() -> Event:
    return Event("evt_1", "video.completed", clock.now(), "video_1", "completed")


def send(names: Names, url: str, *secrets: str) -> int:
    async def sent() -> int:
        pinned = await rules(names).pin(url, https_only=True)
        return await deliver(Client(TIMEOUTS), pinned, event(), secrets or (SECRET,))

    return asyncio.run(sent())


def received(names: Names, host: Outside, *secrets: str) -> Seen:
    host.gives("/hook", b"", 204)
    assert send(names, host.url("/hook"), *secrets) == 204
    return host.seen[-1]


def test_the_types_have_room_for_nobody() -> None:
    """P6, P47: what may leave is a closed set of fields."""
    assert {field.name for field in fields(Download)} == {"url", "max_bytes"}
    assert {field.name for field in fields(Event)} == {"id", "type", "created_at", "subject_id", "status"}


def test_the_body_is_id_type_time_and_state(names: Names, host: Outside) -> None:
    seen = received(names, host)
    body = seen.json()
    assert abs(body.pop("created_at") - clock.unix(clock.now())) <= 1
    data = {"id": "video_1", "status": "completed"}
    assert body == {"id": "evt_1", "object": "event", "type": "video.completed", "data": data}
    assert set(seen.headers) == {
        *("host", "user-agent", "accept-encoding", "connection", "content-type", "content-length"),
        *("webhook-id", "webhook-timestamp", "webhook-signature"),
    }
    assert (seen.method, seen.headers["webhook-id"]) == ("POST", "evt_1")


def test_the_signature_verifies_with_the_library_of_the_standard(names: Names, host: Outside) -> None:
    seen = received(names, host)
    assert Webhook(SECRET).verify(seen.body, dict(seen.headers)) == seen.json()
    with pytest.raises(WebhookVerificationError):
        Webhook(OLD).verify(seen.body, dict(seen.headers))
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(seen.body.replace(b"completed", b"cancelled"), dict(seen.headers))


def test_the_openai_sdk_unwraps_it(names: Names, host: Outside) -> None:
    seen = received(names, host)
    client = OpenAI(api_key="none", webhook_secret=SECRET)
    unwrapped = client.webhooks.unwrap(seen.body, dict(seen.headers))
    assert (unwrapped.id, str(unwrapped.type)) == ("evt_1", "video.completed")
    with pytest.raises(InvalidWebhookSignatureError):
        client.webhooks.unwrap(seen.body, dict(seen.headers), secret=OLD)


def test_with_two_secrets_either_verifies(names: Names, host: Outside) -> None:
    seen = received(names, host, SECRET, OLD)
    assert len(seen.headers["webhook-signature"].split()) == 2
    for secret in (SECRET, OLD):
        assert Webhook(secret).verify(seen.body, dict(seen.headers))["id"] == "evt_1"
        OpenAI(api_key="none").webhooks.unwrap(seen.body, dict(seen.headers), secret=secret)


def test_a_redirect_is_an_answer_and_is_not_followed(names: Names, host: Outside) -> None:
    host.leads("/hook", host.url("/elsewhere"), 307)
    assert send(names, host.url("/hook")) == 307
    assert [seen.path for seen in host.seen] == ["/hook"]


def test_an_answer_without_end_is_not_read(names: Names, host: Outside) -> None:
    host.never_ends("/hook", b"x" * 10_000)
    assert send(names, host.url("/hook")) == 200
    assert host.cut_off.wait(5)


def test_no_answer_is_a_failure(names: Names, host: Outside) -> None:
    host.answers["/hook"] = lambda _: None
    with pytest.raises(EgressFailed, match="url_unreachable"):
        send(names, host.url("/hook"))


def test_eight_attempts_span_about_a_day() -> None:
    pauses = [pause_after(attempt) for attempt in range(1, 8)]
    assert timedelta(hours=22) < sum(pauses, timedelta()) < timedelta(hours=26)
    for attempt, base in ((1, 15), (2, 60), (5, 3840)):
        assert base <= pause_after(attempt).total_seconds() <= 1.1 * base
    assert len({pause_after(3) for _ in range(20)}) > 1
    assert pause_after(12) <= timedelta(hours=20)

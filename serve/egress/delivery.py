"""Send one signed event to a webhook endpoint, as Standard Webhooks describes it."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from standardwebhooks import Webhook

from cluster import clock
from serve.egress.client import Client, LastLook
from serve.egress.errors import translated
from serve.egress.pinning import Pinned

__all__ = ["Event", "deliver", "signed_headers"]


@dataclass(frozen=True, slots=True)
class Event:
    """All that an endpoint ever learns: the ids of the event and of the video, what happened, when, and the state."""

    id: str
    type: str
    created_at: datetime
    subject_id: str
    status: str

    def body(self) -> bytes:
        """The event as it is sent."""
        data = {"id": self.subject_id, "status": self.status}
        event = {
            "id": self.id,
            "object": "event",
            "type": self.type,
            "created_at": clock.unix(self.created_at),
            "data": data,
        }
        return json.dumps(event).encode()


def signed_headers(event: Event, body: bytes, secrets: Sequence[str]) -> Mapping[str, str]:
    """The headers of one attempt, with a signature for each secret that is valid at this moment."""
    at = clock.now()
    signatures = [Webhook(secret).sign(event.id, at, body.decode()) for secret in secrets]
    return {
        "content-type": "application/json",
        "webhook-id": event.id,
        "webhook-timestamp": str(clock.unix(at)),
        "webhook-signature": " ".join(signatures),
    }


async def deliver(
    client: Client, pinned: Pinned, event: Event, secrets: Sequence[str], last_look: LastLook | None = None
) -> int:
    """Send the event to a checked address; the answer's status. No body is read, no redirect followed.

    Raises:
        EgressFailed: there was no answer.
        MayNotLeave: the last look said so; nothing was sent.
    """
    body = event.body()
    with translated():
        async with (
            asyncio.timeout(client.timeouts.total),
            client.send("POST", pinned, signed_headers(event, body, secrets), body, last_look) as response,
        ):
            return response.status_code

"""A user's own receiver of events, which the SDK helps to trust."""

import os
from http.server import BaseHTTPRequestHandler, HTTPServer
from queue import Queue
from threading import Thread
from typing import Any

import openai
from openai import OpenAI

from tests.clients.drivers._calls import PHOTO, PROMPT, SHORT, ended, run

Delivery = tuple[bytes, dict[str, str]]
received: Queue[Delivery] = Queue()


class Receiver(BaseHTTPRequestHandler):
    """Keeps what comes and says thank you."""

    def do_POST(self) -> None:
        """One event."""
        received.put((self.rfile.read(int(self.headers["content-length"])), dict(self.headers)))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def unwrap(client: OpenAI) -> None:
    """A sample and the end of a video arrive signed; with another secret nothing is believed."""
    server = HTTPServer((os.environ["CLIENTS_RECEIVER"], 0), Receiver)
    Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://{server.server_address[0]!s}:{server.server_address[1]}/events"
    endpoint: Any = client.post("/webhook_endpoints", cast_to=object, body={"url": url, "name": "mine"})
    secret = endpoint["signing_secret"]

    sent: Any = client.post(f"/webhook_endpoints/{endpoint['id']}/test", cast_to=object)
    assert sent["success"]
    payload, headers = received.get(timeout=60)
    sample: Any = client.webhooks.unwrap(payload, headers, secret=secret)
    assert (sample.type, sample.data.id) == ("video.completed", endpoint["id"])

    video = ended(client, client.videos.create(prompt=PROMPT, input_reference=PHOTO, extra_body=SHORT))
    payload, headers = received.get(timeout=60)
    event: Any = client.webhooks.unwrap(payload, headers, secret=secret)
    assert (event.object, event.type, event.data.id) == ("event", "video.completed", video.id)

    try:
        client.webhooks.unwrap(payload, headers, secret="whsec_" + "A" * 44)
    except openai.InvalidWebhookSignatureError:
        server.shutdown()
    else:
        raise AssertionError("an event that others signed was believed")


if __name__ == "__main__":
    run(unwrap)

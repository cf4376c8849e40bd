"""Create a video from a photo in every way that an SDK can send one."""

import base64
from io import BytesIO

from openai import OpenAI

from tests.clients.drivers._calls import BEGUN, PHOTO, PROMPT, SHORT, ended, run


def from_a_path(client: OpenAI) -> None:
    """A file by its path."""
    video = client.videos.create(prompt=PROMPT, input_reference=PHOTO, extra_body=SHORT)
    assert video.object == "video"
    assert video.status in BEGUN
    assert ended(client, video).status == "completed"


def from_bytes(client: OpenAI) -> None:
    """Bytes, which arrive as a file without a name or a type that says anything."""
    video = client.videos.create(prompt=PROMPT, input_reference=PHOTO.read_bytes(), extra_body=SHORT)
    assert ended(client, video).status == "completed"


def from_a_stream(client: OpenAI) -> None:
    """A file in memory."""
    video = client.videos.create(prompt=PROMPT, input_reference=BytesIO(PHOTO.read_bytes()), extra_body=SHORT)
    assert ended(client, video).status == "completed"


def from_a_link(client: OpenAI) -> None:
    """No file: the oldest SDK sends this as JSON, the others as a form with the field `input_reference[image_url]`."""
    link = "data:image/jpeg;base64," + base64.b64encode(PHOTO.read_bytes()).decode()
    body = SHORT | {"input_reference": {"image_url": link}}
    video = client.videos.create(prompt=PROMPT, extra_body=body)
    assert ended(client, video).status == "completed"


def create_and_poll(client: OpenAI) -> None:
    """Create and wait in one call."""
    video = client.videos.create_and_poll(prompt=PROMPT, input_reference=PHOTO, extra_body=SHORT, poll_interval_ms=200)
    assert (video.status, video.progress, video.error) == ("completed", 100, None)
    assert (video.model, str(video.seconds), str(video.size), video.prompt) == ("default", "1", "256x256", PROMPT)
    assert video.completed_at
    assert video.completed_at >= video.created_at


if __name__ == "__main__":
    run(from_a_path, from_bytes, from_a_stream, from_a_link, create_and_poll)

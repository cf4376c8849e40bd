"""Jobs that do not end with a video: failed and cancelled ones. Polling ends with each of them."""

import openai
from openai import OpenAI
from openai.types import Video

from tests.clients.drivers._calls import PHOTO, PROMPT, REFUSED, SHORT, ended, refusal, run


def without_content(client: OpenAI, video: Video) -> None:
    """Its content is refused, and the SDK does not try again."""
    refused = refusal(openai.ConflictError, client.videos.download_content, video.id)
    assert refused.code == "video_not_ready"


def failed(client: OpenAI) -> None:
    """A photo that screening refuses: an ordinary answer with an error inside."""
    video = client.videos.create_and_poll(
        prompt=PROMPT, input_reference=REFUSED, extra_body=SHORT, poll_interval_ms=200
    )
    assert video.status == "failed"
    assert video.error
    assert video.error.code == "moderation_input"
    assert video.error.message
    assert client.videos.retrieve(video.id).error == video.error
    without_content(client, video)


def cancelled(client: OpenAI) -> None:
    """A long job that is stopped."""
    long = SHORT | {"seconds": "20", "fps": 60}
    video = client.videos.create(prompt=PROMPT, input_reference=PHOTO, extra_body=long)
    client.post(f"/videos/{video.id}/cancel", cast_to=Video)
    assert str(ended(client, video).status) == "cancelled"
    assert str(client.videos.retrieve(video.id).status) == "cancelled"
    without_content(client, video)


if __name__ == "__main__":
    run(failed, cancelled)

"""One photo for several videos: files that are kept by themselves, and remixes of a video."""

import openai
from openai import OpenAI

from tests.clients.drivers._calls import PHOTO, PROMPT, SHORT, ended, refusal, run


def by_file_id(client: OpenAI) -> None:
    """Upload once, name it in an order, delete it; the video stays."""
    file = client.files.create(file=PHOTO, purpose="vision")
    assert (file.object, file.purpose, file.status) == ("file", "vision", "processed")
    assert [each.id for each in client.files.list()] == [file.id]
    assert client.files.retrieve(file.id).id == file.id
    assert client.files.content(file.id).read()
    body = SHORT | {"input_reference": {"file_id": file.id}}
    video = ended(client, client.videos.create(prompt=PROMPT, extra_body=body))
    assert video.status == "completed", video.error

    assert client.files.delete(file.id).deleted
    refusal(openai.NotFoundError, client.files.retrieve, file.id)
    assert client.videos.retrieve(video.id).status == "completed"


def remix(client: OpenAI) -> None:
    """Another video of the same photo, with other words."""
    source = ended(client, client.videos.create(prompt=PROMPT, input_reference=PHOTO, extra_body=SHORT))
    video = ended(client, client.videos.remix(source.id, prompt="pan left"))
    assert video.status == "completed", video.error
    assert (video.remixed_from_video_id, video.prompt) == (source.id, "pan left")
    assert str(video.size) == str(source.size)


if __name__ == "__main__":
    run(by_file_id, remix)

"""What is done with videos that there are: retrieve, list, download, delete."""

import openai
from openai import OpenAI

from tests.clients.drivers._calls import PHOTO, PROMPT, SHORT, ended, refusal, run


def made(client: OpenAI) -> str:
    """A finished video's id."""
    video = ended(client, client.videos.create(prompt=PROMPT, input_reference=PHOTO, extra_body=SHORT))
    assert video.status == "completed", video.error
    return video.id


def list_by_pages(client: OpenAI) -> None:
    """The SDK asks for the next page by itself until there is none."""
    ids = [made(client) for _ in range(3)]
    assert [video.id for video in client.videos.list(limit=2)] == ids[::-1]
    assert [video.id for video in client.videos.list(limit=1, order="asc")] == ids
    page = client.videos.list(limit=1, order="asc", after=ids[0])
    assert [video.id for video in page.data] == [ids[1]]
    assert page.has_more
    assert page.has_next_page()


def retrieve(client: OpenAI) -> None:
    """One of them."""
    first = next(iter(client.videos.list()))
    assert client.videos.retrieve(first.id) == first


def download_three_variants(client: OpenAI) -> None:
    """The video and its two pictures."""
    video_id = next(iter(client.videos.list())).id
    assert client.videos.download_content(video_id).read()[4:8] == b"ftyp"
    assert client.videos.download_content(video_id, variant="video").read()[4:8] == b"ftyp"
    assert client.videos.download_content(video_id, variant="thumbnail").read()[8:12] == b"WEBP"
    assert client.videos.download_content(video_id, variant="spritesheet").read()[:3] == b"\xff\xd8\xff"


def download_a_range(client: OpenAI) -> None:
    """A part of the video."""
    video_id = next(iter(client.videos.list())).id
    whole = client.videos.download_content(video_id).read()
    part = client.videos.download_content(video_id, extra_headers={"Range": "bytes=100-299"})
    assert part.response.status_code == 206
    assert part.response.headers["content-range"] == f"bytes 100-299/{len(whole)}"
    assert part.read() == whole[100:300]


def delete(client: OpenAI) -> None:
    """Nothing is left of them."""
    for video in list(client.videos.list()):
        deleted = client.videos.delete(video.id)
        assert (deleted.id, deleted.object, deleted.deleted) == (video.id, "video.deleted", True)
        refused = refusal(openai.NotFoundError, client.videos.retrieve, video.id)
        assert refused.code == "not_found"
    assert not list(client.videos.list())


if __name__ == "__main__":
    run(list_by_pages, retrieve, download_three_variants, download_a_range, delete)

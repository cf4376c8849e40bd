"""A service that is away for a moment: the SDK comes again by itself, as often as it does unless told otherwise."""

from http import HTTPStatus
from typing import Any

from openai import DefaultHttpxClient, OpenAI

from tests.clients.drivers._calls import BEGUN, PHOTO, PROMPT, SHORT, run


def told_and_again(client: OpenAI) -> None:
    """Say that the service was away, wait until it is back, and leave the rest to the SDK: one video is made."""

    def wait(response: Any) -> None:
        if response.status_code == HTTPStatus.SERVICE_UNAVAILABLE:
            assert int(response.headers["retry-after-ms"]) > 0
            print(response.status_code, flush=True)
            input()

    watched = client.with_options(http_client=DefaultHttpxClient(event_hooks={"response": [wait]}))
    answer = watched.videos.with_raw_response.create(prompt=PROMPT, input_reference=PHOTO, extra_body=SHORT)
    assert answer.retries_taken >= 1
    video = answer.parse()
    assert video.status in BEGUN
    assert [each.id for each in client.videos.list()] == [video.id]


if __name__ == "__main__":
    run(told_and_again)

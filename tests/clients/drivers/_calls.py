"""What all the programs share: the client, the photo, a short order, and how a program says what it did."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

import openai
from openai import OpenAI
from openai.types import Video

__all__ = ["BEGUN", "PHOTO", "PROMPT", "REFUSED", "SHORT", "ended", "refusal", "run"]

PHOTO: Final = Path(os.environ["CLIENTS_PHOTO"])
REFUSED: Final = Path(os.environ["CLIENTS_REFUSED_PHOTO"])
"""A picture that screening refuses."""
PROMPT: Final = "a slow push in"
BEGUN: Final = ("queued", "in_progress")
"""What a video may be when its create is answered: the director can be quicker than the answer."""
SHORT: Final = {"model": "default", "seconds": "1", "fps": 12, "size": "256x256"}


def ended(client: OpenAI, video: Video) -> Video:
    """The video when its job has ended, however that is."""
    return client.videos.poll(video.id, poll_interval_ms=200)


def refusal(
    kind: type[openai.APIStatusError], call: Callable[..., object], *arguments: object
) -> openai.APIStatusError:
    """The error that a call raises; it has a sentence, and its answer an id."""
    try:
        call(*arguments)
    except kind as error:
        assert error.message
        assert error.request_id
        return error
    raise AssertionError(f"{kind.__name__} was expected")


def run(*calls: Callable[[OpenAI], None]) -> None:
    """Make the calls by one client, which takes address and key from the environment; say with which SDK."""
    client = OpenAI()
    for call in calls:
        call(client)
    print(json.dumps({"sdk": openai.__version__, "calls": [call.__name__ for call in calls]}))

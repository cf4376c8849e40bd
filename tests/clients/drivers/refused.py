"""What the service refuses becomes the SDK's own classes of errors; what may be tried again is."""

from typing import Any, Final

import openai
from openai import OpenAI

from tests.clients.drivers._calls import BEGUN, PHOTO, PROMPT, SHORT, refusal, run

UNKNOWN: Final = "video_" + "0" * 32
MOST_REQUESTS: Final = 40
"""More than the suite's cluster allows an account in a minute."""


def authentication(client: OpenAI) -> None:
    """A key that nobody has."""
    stranger = client.with_options(api_key="i2v_nobody")
    assert refusal(openai.AuthenticationError, stranger.videos.list).code == "invalid_api_key"


def bad_request(client: OpenAI) -> None:
    """A size that no video has, and a model that there is not."""
    videos = client.videos
    body = SHORT | {"size": "7x7"}
    wrong = refusal(
        openai.BadRequestError, lambda: videos.create(prompt=PROMPT, input_reference=PHOTO, extra_body=body)
    )
    assert (wrong.code, wrong.param) == ("invalid_request", "size")
    other = SHORT | {"model": "none"}
    missing = refusal(
        openai.BadRequestError, lambda: videos.create(prompt=PROMPT, input_reference=PHOTO, extra_body=other)
    )
    assert missing.code == "model_not_found"


def not_found(client: OpenAI) -> None:
    """An id that nobody has."""
    for call in (client.videos.retrieve, client.videos.delete, client.videos.download_content):
        assert refusal(openai.NotFoundError, call, UNKNOWN).code == "not_found"


def consent(client: OpenAI) -> None:
    """Whoever withdraws consent gets no video, but the notice, until it is given again."""
    begun: Any = client.post("/sessions", cast_to=object, body={"api_key": client.api_key})
    person = client.with_options(api_key=begun["token"])
    standing: Any = person.get("/consents", cast_to=object)
    version = next(each["notice_version"] for each in standing["data"] if each["purpose"] == "ai_processing")
    answer = {"purpose": "ai_processing", "notice_version": version}
    person.post("/consents", cast_to=object, body=answer | {"granted": False})
    refused = refusal(
        openai.PermissionDeniedError,
        lambda: client.videos.create(prompt=PROMPT, input_reference=PHOTO, extra_body=SHORT),
    )
    assert refused.code == "consent_withdrawn"
    assert isinstance(refused.body, dict)
    assert refused.body["notice"]["version"] == version
    person.post("/consents", cast_to=object, body=answer | {"granted": True})


def too_many_and_again(client: OpenAI) -> None:
    """An allowance that is used up: the impatient get an error, the SDK otherwise waits as long as it is told."""
    impatient = client.with_options(max_retries=0)

    def ask_until_refused() -> None:
        for _ in range(MOST_REQUESTS):
            try:
                impatient.post("/api-keys", cast_to=object, body={"scopes": []})
            except openai.BadRequestError:
                continue

    refused = refusal(openai.RateLimitError, ask_until_refused)
    assert refused.code == "rate_limit_exceeded"
    assert int(refused.response.headers["retry-after-ms"]) > 0
    patient = client.with_options(max_retries=5)
    answer = patient.videos.with_raw_response.create(prompt=PROMPT, input_reference=PHOTO, extra_body=SHORT)
    assert answer.retries_taken >= 1
    assert answer.parse().status in BEGUN


if __name__ == "__main__":
    run(authentication, bad_request, not_found, consent, too_many_and_again)

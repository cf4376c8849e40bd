"""The emulated OpenAI-compatible API serves OpenAI's own client, refuses what is no field, and fails as it is told."""

from collections.abc import Iterator
from typing import Any

import httpx
import openai
import pytest

from tests.emulators.openai_videos import OpenAIVideos
from tests.emulators.script import REFUSALS, Endpoint, Fault
from tests.emulators.videos import NOT_A_VIDEO, make_video
from tests.providers.emulators.provider import PHOTO, client_of, without

PATH = "/v1/videos"
FORM: dict[str, Any] = {"prompt": "the sun rises", "model": "sora-2", "seconds": "4", "size": "720x1280"}
FILE: dict[str, Any] = {"input_reference": ("photo.jpg", PHOTO, "image/jpeg")}


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[OpenAIVideos, httpx.Client]]:
    emulator = OpenAIVideos(oversized_bytes=2_000_000)
    with client_of(emulator) as client:
        yield emulator, client


@pytest.fixture
def emulator(served: tuple[OpenAIVideos, httpx.Client]) -> OpenAIVideos:
    served[0].script.clear()
    served[0].tasks.clear()
    served[0].idempotent = False
    return served[0]


@pytest.fixture
def client(served: tuple[OpenAIVideos, httpx.Client]) -> httpx.Client:
    return served[1]


def _create(client: httpx.Client, **headers: str) -> str:
    answer = client.post(PATH, data=FORM, files=FILE, headers=headers)
    assert answer.status_code == 200
    video_id: str = answer.json()["id"]
    return video_id


def _done(client: httpx.Client, video_id: str) -> Any:
    for _ in range(10):
        video = client.get(f"{PATH}/{video_id}").json()
        if video["status"] in ("completed", "failed"):
            return video
    raise AssertionError("it is never done")


def test_openais_own_client_is_served(emulator: OpenAIVideos, client: httpx.Client) -> None:
    with openai.OpenAI(api_key=emulator.api_key, base_url=f"{client.base_url}/v1", max_retries=0) as sdk:
        video = sdk.videos.create(
            prompt="the sun rises", seconds="4", input_reference=FILE["input_reference"], extra_body={"seed": 7}
        )
        states = [sdk.videos.retrieve(video.id).status for _ in range(3)]
        assert states == ["queued", "in_progress", "completed"]
        assert sdk.videos.download_content(video.id).read() == make_video(PHOTO, 4)
        assert [found.id for found in sdk.videos.list()] == [video.id]
        assert sdk.videos.delete(video.id).deleted
        with pytest.raises(openai.NotFoundError):
            sdk.videos.retrieve(video.id)
    assert emulator.tasks.paid == 1


@pytest.mark.parametrize(
    ("form", "files"),
    [
        (FORM | {"user": "u-1"}, FILE),
        (FORM | {"seconds": "5"}, FILE),
        (FORM | {"size": "640x480"}, FILE),
        (FORM | {"seed": "-1"}, FILE),
        (FORM | {"prompt": ["a", "b"]}, FILE),
        (without(FORM, "prompt"), FILE),
        (FORM | {"input_reference": "text"}, {"other": ("a.jpg", PHOTO, "image/jpeg")}),
        (FORM, {"input_reference": ("photo.jpg", PHOTO, "image/png")}),
        (FORM, {"input_reference": ("photo.jpg", b"no picture", "image/jpeg")}),
        (FORM, None),
    ],
)
def test_what_is_no_such_form_is_refused(emulator: OpenAIVideos, client: httpx.Client, form: Any, files: Any) -> None:
    answer = client.post(PATH, data=form, files=files)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_value")
    assert emulator.tasks.paid == 0


CODES = {
    Fault.AUTH: (401, "invalid_api_key"),
    Fault.QUOTA_EXHAUSTED: (429, "insufficient_quota"),
    Fault.INVALID_INPUT: (400, "invalid_value"),
    Fault.MODEL_GONE: (404, "model_not_found"),
    Fault.MODERATED_INPUT: (400, "moderation_blocked"),
    Fault.RATE_LIMITED: (429, "rate_limit_exceeded"),
    Fault.PARALLEL_LIMIT: (429, "rate_limit_exceeded"),
    Fault.SERVER_ERROR: (500, "server_error"),
}


@pytest.mark.parametrize("fault", sorted(REFUSALS))
def test_it_refuses_as_the_script_says_once(emulator: OpenAIVideos, client: httpx.Client, fault: Fault) -> None:
    emulator.script.add(Endpoint.CREATE, fault)
    answer = client.post(PATH, data=FORM, files=FILE)
    assert (answer.status_code, answer.json()["error"]["code"]) == CODES[fault]
    assert emulator.tasks.paid == 0
    _create(client)
    assert (emulator.tasks.paid, emulator.script.waiting()) == (1, 0)


@pytest.mark.parametrize(("idempotent", "paid"), [(False, 2), (True, 1)])
def test_after_a_dropped_answer_only_a_key_prevents_paying_twice(
    emulator: OpenAIVideos, client: httpx.Client, idempotent: bool, paid: int
) -> None:
    emulator.idempotent = idempotent
    emulator.script.add(Endpoint.CREATE, Fault.DROP_AFTER_ACCEPT)
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        _create(client, **{"idempotency-key": "submission-1"})
    _create(client, **{"idempotency-key": "submission-1"})
    assert emulator.tasks.paid == paid


def test_tasks_are_lost_doubled_or_withheld(emulator: OpenAIVideos, client: httpx.Client) -> None:
    for fault in (Fault.LOST_TASK, Fault.DUPLICATE, Fault.MODERATED_OUTPUT):
        emulator.script.add(Endpoint.CREATE, fault)
    lost, twice, withheld = (_create(client) for _ in range(3))
    assert client.get(f"{PATH}/{lost}").status_code == 404
    assert [video["id"] for video in client.get(PATH).json()["data"]] == [withheld, twice, twice]
    video = _done(client, withheld)
    assert (video["status"], video["error"]["code"]) == ("failed", "moderation_blocked")


def test_results_fail_as_the_script_says(emulator: OpenAIVideos, client: httpx.Client) -> None:
    answers = {}
    for fault in (Fault.EXPIRED_RESULT, Fault.CORRUPT_VIDEO, Fault.OVERSIZED_VIDEO, Fault.NOT_A_VIDEO):
        video_id = _create(client)
        _done(client, video_id)
        emulator.script.add(Endpoint.RESULT, fault)
        answers[fault] = client.get(f"{PATH}/{video_id}/content")
    assert answers[Fault.EXPIRED_RESULT].status_code == 404
    assert len(answers[Fault.CORRUPT_VIDEO].content) < len(make_video(PHOTO, 4))
    assert len(answers[Fault.OVERSIZED_VIDEO].content) > 2_000_000
    assert answers[Fault.NOT_A_VIDEO].content == NOT_A_VIDEO


def test_another_key_is_refused(emulator: OpenAIVideos, client: httpx.Client) -> None:
    for authorization in ("", "Bearer wrong", f"Basic {emulator.api_key}"):
        answer = client.post(PATH, data=FORM, files=FILE, headers={"authorization": authorization})
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, "invalid_api_key")
    assert emulator.tasks.paid == 0

"""The emulated Wan takes what DashScope takes, refuses all else in its words, and fails in every way it is told to."""

import base64
from collections.abc import Iterator
from datetime import timedelta
from io import BytesIO
from typing import Any

import httpx
import pytest
from PIL import Image

from cluster import clock
from tests.emulators.script import REFUSALS, Endpoint, Fault
from tests.emulators.videos import NOT_A_VIDEO, make_video
from tests.emulators.wan import Wan
from tests.providers.emulators.provider import PHOTO, PHOTO_BASE64, client_of, without

CREATE = "/api/v1/services/aigc/video-generation/video-synthesis"
TASKS = "/api/v1/tasks"
ASYNC = {"x-dashscope-async": "enable"}
DATA_URI = f"data:image/jpeg;base64,{PHOTO_BASE64}"
INPUT: dict[str, Any] = {"prompt": "the sun rises", "media": [{"type": "first_frame", "url": DATA_URI}]}
PARAMETERS: dict[str, Any] = {
    "resolution": "720P",
    "duration": 5,
    "prompt_extend": False,
    "watermark": False,
    "seed": 7,
}
BODY: dict[str, Any] = {"model": "wan2.7-i2v", "input": INPUT, "parameters": PARAMETERS}
LEGACY_INPUT: dict[str, Any] = {"prompt": "the sun rises", "img_url": DATA_URI}
LEGACY: dict[str, Any] = {"model": "wan2.6-i2v", "input": LEGACY_INPUT, "parameters": PARAMETERS}


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[Wan, httpx.Client]]:
    wan = Wan(oversized_bytes=2_000_000)
    with client_of(wan) as client:
        yield wan, client


@pytest.fixture
def wan(served: tuple[Wan, httpx.Client]) -> Wan:
    served[0].script.clear()
    served[0].tasks.clear()
    return served[0]


@pytest.fixture
def client(served: tuple[Wan, httpx.Client]) -> httpx.Client:
    return served[1]


def _create(client: httpx.Client, body: dict[str, Any] = BODY) -> str:
    output = client.post(CREATE, json=body, headers=ASYNC).json()["output"]
    assert output["task_status"] == "PENDING"
    task_id: str = output["task_id"]
    return task_id


def _output(client: httpx.Client, task_id: str) -> Any:
    answer = client.get(f"{TASKS}/{task_id}")
    assert answer.status_code == 200
    assert answer.json()["request_id"]
    return answer.json()["output"]


def _done(client: httpx.Client, task_id: str) -> Any:
    for _ in range(10):
        output = _output(client, task_id)
        if output["task_status"] in ("SUCCEEDED", "FAILED"):
            return output
    raise AssertionError("it is never done")


@pytest.mark.parametrize("body", [BODY, LEGACY])
def test_a_photo_becomes_a_video_of_it(wan: Wan, client: httpx.Client, body: dict[str, Any]) -> None:
    task_id = _create(client, body)
    outputs = [_output(client, task_id) for _ in range(3)]
    assert [output["task_status"] for output in outputs] == ["PENDING", "RUNNING", "SUCCEEDED"]
    assert outputs[-1]["orig_prompt"] == "the sun rises"
    assert httpx.get(outputs[-1]["video_url"]).content == make_video(PHOTO, 5)
    assert wan.tasks.paid == 1


def _picture(width: int, height: int, kind: str = "JPEG", mode: str = "RGB") -> str:
    out = BytesIO()
    Image.new(mode, (width, height)).save(out, kind)
    return f"data:image/{kind.lower()};base64,{base64.b64encode(out.getvalue()).decode()}"


def _with_image(url: str, kind: str = "first_frame") -> dict[str, Any]:
    return BODY | {"input": INPUT | {"media": [{"type": kind, "url": url}]}}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (BODY | {"size": "720x1280"}, "InvalidParameter"),
        (BODY | {"input": INPUT | {"img_url": DATA_URI}}, "InvalidParameter"),
        (BODY | {"input": without(INPUT, "media")}, "InvalidParameter"),
        (BODY | {"input": INPUT | {"media": []}}, "InvalidParameter"),
        (BODY | {"input": INPUT | {"media": INPUT["media"] * 2}}, "InvalidParameter"),
        (BODY | {"input": INPUT | {"prompt": "p" * 5001}}, "InvalidParameter"),
        (BODY | {"input": INPUT | {"negative_prompt": "p" * 501}}, "InvalidParameter"),
        (BODY | {"parameters": PARAMETERS | {"resolution": "480P"}}, "InvalidParameter"),
        (BODY | {"parameters": PARAMETERS | {"duration": "5"}}, "InvalidParameter"),
        (BODY | {"parameters": PARAMETERS | {"duration": 16}}, "InvalidParameter"),
        (BODY | {"parameters": PARAMETERS | {"seed": 2147483648}}, "InvalidParameter"),
        (BODY | {"parameters": PARAMETERS | {"prompt_extend": "false"}}, "InvalidParameter"),
        (BODY | {"parameters": PARAMETERS | {"audio": True}}, "InvalidParameter"),
        (BODY | {"model": "wan9-i2v"}, "ModelNotFound"),
        (without(BODY, "model"), "InvalidParameter"),
        (_with_image(DATA_URI, "last_frame"), "InvalidParameter"),
        (_with_image(DATA_URI, "middle_frame"), "InvalidParameter"),
        (_with_image(PHOTO_BASE64), "InvalidParameter"),
        (_with_image("https://photos.example/1.jpg"), "InvalidParameter"),
        (_with_image(DATA_URI[:4000]), "InvalidParameter"),
        (_with_image(_picture(239, 400)), "InvalidParameter"),
        (_with_image(_picture(240, 1921)), "InvalidParameter"),
        (_with_image(_picture(8001, 1001)), "InvalidParameter"),
        (_with_image(_picture(400, 400, "PNG", "RGBA")), "InvalidParameter"),
        (LEGACY | {"input": INPUT}, "InvalidParameter"),
        (LEGACY | {"input": LEGACY_INPUT | {"img_url": _picture(359, 400)}}, "InvalidParameter"),
        (LEGACY | {"input": LEGACY_INPUT | {"img_url": _picture(400, 2001)}}, "InvalidParameter"),
    ],
)
def test_what_is_not_in_the_documentation_is_refused(
    wan: Wan, client: httpx.Client, body: dict[str, Any], code: str
) -> None:
    answer = client.post(CREATE, json=body, headers=ASYNC)
    assert (answer.status_code, answer.json()["code"]) == (404 if code == "ModelNotFound" else 400, code)
    assert set(answer.json()) == {"code", "message", "request_id"}
    assert wan.tasks.paid == 0


def test_headers_and_queries_are_looked_at(wan: Wan, client: httpx.Client) -> None:
    def code(answer: httpx.Response) -> tuple[int, str]:
        return answer.status_code, answer.json()["code"]

    assert code(client.post(CREATE, json=BODY)) == (403, "AccessDenied")
    assert code(client.post(CREATE, data={"model": "wan2.7-i2v"}, headers=ASYNC)) == (400, "InvalidParameter")
    assert code(client.get(TASKS, params={"page_size": "101"})) == (400, "InvalidParameter")
    assert code(client.get(TASKS, params={"pageSize": "5"})) == (400, "InvalidParameter")
    assert code(client.get(TASKS, params={"start_time": "2026-11-01"})) == (400, "InvalidParameter")
    days = {"start_time": "20261101000000", "end_time": "20261103000000"}
    assert code(client.get(TASKS, params=days)) == (400, "InvalidParameter")
    for key in ("", "Bearer wrong", "test-key"):
        assert code(client.get(TASKS, headers={"authorization": key})) == (401, "InvalidApiKey")


def test_tasks_are_listed_by_time_model_and_state(wan: Wan, client: httpx.Client) -> None:
    ids = [_create(client, body) for body in (BODY, BODY, LEGACY)]

    def listed(**query: str) -> list[str]:
        answer = client.get(TASKS, params=query).json()
        return [task["task_id"] for task in answer["data"]]

    def written(minutes: int) -> str:
        return (clock.now() + timedelta(minutes=minutes)).strftime("%Y%m%d%H%M%S")

    assert listed() == ids[::-1]
    assert listed(model_name="wan2.6-i2v") == [ids[2]]
    assert listed(page_no="2", page_size="2") == [ids[0]]
    assert listed(start_time=written(-5), end_time=written(5)) == ids[::-1]
    assert listed(start_time=written(-10), end_time=written(-5)) == []
    _done(client, ids[0])
    assert listed(status="SUCCEEDED") == [ids[0]]


def test_only_what_waits_can_be_cancelled(wan: Wan, client: httpx.Client) -> None:
    waiting, running = _create(client), _create(client)
    assert client.post(f"{TASKS}/{waiting}/cancel").status_code == 200
    assert _output(client, waiting)["task_status"] == "CANCELED"
    for _ in range(2):
        _output(client, running)
    answer = client.post(f"{TASKS}/{running}/cancel")
    assert (answer.status_code, answer.json()["code"]) == (400, "UnsupportedOperation")
    assert client.post(f"{TASKS}/unknown/cancel").status_code == 404


def test_tasks_live_for_a_day(wan: Wan, client: httpx.Client) -> None:
    task_id = _create(client)
    clock.shift(timedelta(hours=24, seconds=1))
    try:
        assert _output(client, task_id) == {"task_id": task_id, "task_status": "UNKNOWN"}
        assert client.get(TASKS).json()["data"] == []
    finally:
        clock.shift(-timedelta(hours=24, seconds=1))
    assert _output(client, task_id)["task_status"] == "PENDING"


CODES = {
    Fault.AUTH: (401, "InvalidApiKey"),
    Fault.QUOTA_EXHAUSTED: (400, "Arrearage"),
    Fault.INVALID_INPUT: (400, "InvalidParameter"),
    Fault.MODEL_GONE: (404, "ModelNotFound"),
    Fault.RATE_LIMITED: (429, "Throttling.RateQuota"),
    Fault.PARALLEL_LIMIT: (429, "Throttling.AllocationQuota"),
    Fault.SERVER_ERROR: (500, "InternalError"),
}


@pytest.mark.parametrize("fault", sorted(REFUSALS - {Fault.MODERATED_INPUT}))
def test_it_refuses_as_the_script_says_once(wan: Wan, client: httpx.Client, fault: Fault) -> None:
    wan.script.add(Endpoint.CREATE, fault)
    answer = client.post(CREATE, json=BODY, headers=ASYNC)
    assert (answer.status_code, answer.json()["code"]) == CODES[fault]
    assert wan.tasks.paid == 0
    _create(client)
    assert (wan.tasks.paid, wan.script.waiting()) == (1, 0)


@pytest.mark.parametrize("fault", [Fault.MODERATED_INPUT, Fault.MODERATED_OUTPUT])
def test_moderation_is_a_failed_task_in_a_good_answer(wan: Wan, client: httpx.Client, fault: Fault) -> None:
    wan.script.add(Endpoint.CREATE, fault)
    output = _done(client, _create(client))
    assert (output["task_status"], output["code"]) == ("FAILED", "DataInspectionFailed")
    assert output["message"].startswith("Input" if fault is Fault.MODERATED_INPUT else "Output")
    assert "video_url" not in output


def test_a_lost_a_slow_and_a_double_task(wan: Wan, client: httpx.Client) -> None:
    wan.script.add(Endpoint.CREATE, Fault.LOST_TASK)
    wan.script.add(Endpoint.CREATE, Fault.SLOW_PROGRESS, 2)
    wan.script.add(Endpoint.CREATE, Fault.DUPLICATE)
    lost, slow, double = (_create(client) for _ in range(3))
    assert _output(client, lost)["task_status"] == "UNKNOWN"
    states = [_output(client, slow)["task_status"] for _ in range(5)]
    assert states == ["PENDING", "RUNNING", "RUNNING", "RUNNING", "SUCCEEDED"]
    assert [task["task_id"] for task in client.get(TASKS).json()["data"]] == [double, double, slow]


def test_a_dropped_connection_is_accepted_or_not(wan: Wan, client: httpx.Client) -> None:
    for fault, paid in ((Fault.DROP_BEFORE, 0), (Fault.DROP_AFTER_ACCEPT, 1)):
        wan.script.add(Endpoint.CREATE, fault)
        with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
            client.post(CREATE, json=BODY, headers=ASYNC)
        assert (wan.tasks.paid, len(client.get(TASKS).json()["data"])) == (paid, paid)


def test_results_fail_as_the_script_says(wan: Wan, client: httpx.Client) -> None:
    answers = {}
    for fault in (Fault.EXPIRED_RESULT, Fault.CORRUPT_VIDEO, Fault.OVERSIZED_VIDEO, Fault.NOT_A_VIDEO):
        wan.script.add(Endpoint.CREATE, fault)
        answers[fault] = httpx.get(_done(client, _create(client))["video_url"])
    assert answers[Fault.EXPIRED_RESULT].status_code == 403
    assert 0 < len(answers[Fault.CORRUPT_VIDEO].content) < len(make_video(PHOTO, 5))
    assert len(answers[Fault.OVERSIZED_VIDEO].content) > 2_000_000
    assert answers[Fault.NOT_A_VIDEO].content == NOT_A_VIDEO

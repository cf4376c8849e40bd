"""The emulated Kling takes what Kling takes, refuses all else in its words, and fails in every way it is told to."""

import base64
import json
from collections.abc import Iterator
from datetime import timedelta
from io import BytesIO
from typing import Any

import httpx
import jwt
import pytest
from PIL import Image

from cluster import clock
from tests.emulators.kling import Kling
from tests.emulators.script import REFUSALS, Endpoint, Fault
from tests.emulators.videos import NOT_A_VIDEO, make_video
from tests.providers.emulators.provider import PHOTO, PHOTO_BASE64, client_of, without

PATH = "/v1/videos/image2video"
BODY: dict[str, Any] = {
    "model_name": "kling-v3",
    "image": PHOTO_BASE64,
    "prompt": "the sun rises",
    "duration": "5",
    "mode": "std",
    "sound": "off",
    "external_task_id": "submission-1",
}


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[Kling, httpx.Client]]:
    kling = Kling(oversized_bytes=2_000_000)
    with client_of(kling) as client:
        yield kling, client


@pytest.fixture
def kling(served: tuple[Kling, httpx.Client]) -> Kling:
    served[0].script.clear()
    served[0].tasks.clear()
    return served[0]


@pytest.fixture
def client(served: tuple[Kling, httpx.Client]) -> httpx.Client:
    return served[1]


def _create(client: httpx.Client, body: dict[str, Any] = BODY) -> str:
    answer = client.post(PATH, json=body).json()
    assert answer["code"] == 0
    task_id: str = answer["data"]["task_id"]
    return task_id


def _data(answer: httpx.Response) -> Any:
    assert answer.status_code == 200
    envelope = answer.json()
    assert (envelope["code"], envelope["message"]) == (0, "SUCCEED")
    assert envelope["request_id"]
    return envelope["data"]


def _done(client: httpx.Client, task_id: str) -> Any:
    for _ in range(10):
        data = _data(client.get(f"{PATH}/{task_id}"))
        if data["task_status"] in ("succeed", "failed"):
            return data
    raise AssertionError("it is never done")


def test_a_photo_becomes_a_video_of_it(kling: Kling, client: httpx.Client) -> None:
    task_id = _create(client)
    polls = [_data(client.get(f"{PATH}/{task_id}")) for _ in range(3)]
    assert [poll["task_status"] for poll in polls] == ["submitted", "processing", "succeed"]
    assert polls[-1]["task_info"] == {"external_task_id": "submission-1"}
    (video,) = polls[-1]["task_result"]["videos"]
    assert video["duration"] == "5"
    assert httpx.get(video["url"]).content == make_video(PHOTO, 5)
    assert kling.tasks.paid == 1


def test_a_task_is_found_by_the_callers_id_and_in_pages(kling: Kling, client: httpx.Client) -> None:
    ids = [_create(client, BODY | {"external_task_id": f"submission-{number}"}) for number in range(3)]
    assert _data(client.get(f"{PATH}/submission-1"))["task_id"] == ids[1]
    pages = [_data(client.get(PATH, params={"pageNum": number, "pageSize": 2})) for number in (1, 2, 3)]
    assert [[task["task_id"] for task in page] for page in pages] == [[ids[2], ids[1]], [ids[0]], []]


def _picture(width: int, height: int, kind: str = "JPEG") -> str:
    out = BytesIO()
    Image.new("RGB", (width, height)).save(out, kind)
    return base64.b64encode(out.getvalue()).decode()


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (BODY | {"seed": 1}, 1201),
        (BODY | {"size": "720x1280"}, 1201),
        (BODY | {"duration": 5}, 1201),
        (BODY | {"duration": "16"}, 1201),
        (BODY | {"model_name": "kling-v2-6", "duration": "7"}, 1201),
        (BODY | {"mode": "fast"}, 1201),
        (BODY | {"sound": True}, 1201),
        (BODY | {"cfg_scale": 2.0}, 1201),
        (BODY | {"prompt": "p" * 2501}, 1201),
        (BODY | {"negative_prompt": "p" * 2501}, 1201),
        (BODY | {"model_name": "kling-v0"}, 1203),
        (BODY | {"image": "data:image/jpeg;base64," + PHOTO_BASE64}, 1201),
        (BODY | {"image": "https://photos.example/1.jpg"}, 1201),
        (BODY | {"image": PHOTO_BASE64[:4000]}, 1201),
        (BODY | {"image": "not base64!"}, 1201),
        (BODY | {"image": base64.b64encode(b"no picture").decode()}, 1201),
        (BODY | {"image": base64.b64encode(PHOTO + b"0" * 10_485_760).decode()}, 1201),
        (BODY | {"image": _picture(299, 400)}, 1201),
        (BODY | {"image": _picture(300, 751)}, 1201),
        (BODY | {"image": _picture(400, 400, "WEBP")}, 1201),
        (BODY | {"image_tail": "not base64!"}, 1201),
        (without(BODY, "image"), 1201),
        (without(BODY, "model_name"), 1201),
    ],
)
def test_what_is_not_in_the_documentation_is_refused(
    kling: Kling, client: httpx.Client, body: dict[str, Any], code: int
) -> None:
    answer = client.post(PATH, json=body)
    assert (answer.status_code, answer.json()["code"]) == (404 if code == 1203 else 400, code)
    assert kling.tasks.paid == 0


def test_a_body_must_be_json_and_say_so(kling: Kling, client: httpx.Client) -> None:
    for answer in (
        client.post(PATH, data={"model_name": "kling-v3"}),
        client.post(PATH, content=b"{", headers={"content-type": "application/json"}),
        client.post(PATH, json=["kling-v3"]),
        client.get(PATH, params={"pageSize": "501"}),
        client.get(PATH, params={"page_size": "5"}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (400, 1201)


def test_the_callers_id_is_good_once(kling: Kling, client: httpx.Client) -> None:
    _create(client)
    assert client.post(PATH, json=BODY).json()["code"] == 1201
    assert kling.tasks.paid == 1


def _token(kling: Kling, begin: int = -5, end: int = 1800, **other: str) -> str:
    now = clock.unix(clock.now())
    claims = {"iss": kling.access_key, "nbf": now + begin, "exp": now + end} | other
    return jwt.encode(claims, kling.secret_key, "HS256")


def test_keys_are_looked_at(kling: Kling, client: httpx.Client) -> None:
    def code(authorization: str) -> int:
        answer = client.get(PATH, headers={"authorization": authorization})
        found: int = answer.json()["code"]
        assert answer.status_code == (401 if found else 200)
        return found

    other = jwt.encode(
        {"iss": kling.access_key, "nbf": 0, "exp": 1}, "another secret key of at least 32 bytes", "HS256"
    )
    assert [code(text) for text in ("", "test-key", "Basic test-key")] == [1001, 1001, 1001]
    assert code("Bearer wrong") == 1002
    assert code(f"Bearer {_token(kling)}") == 0
    assert code(f"Bearer {_token(kling, iss='someone')}") == 1002
    assert code(f"Bearer {other}") == 1002
    assert code(f"Bearer {_token(kling, end=10**6)}") == 1002
    assert code(f"Bearer {_token(kling, begin=60)}") == 1003
    assert code(f"Bearer {_token(kling, end=-1)}") == 1004
    clock.shift(timedelta(hours=1))
    try:
        assert code(f"Bearer {_token(kling)}") == 0
    finally:
        clock.shift(timedelta(hours=-1))


CODES = {
    Fault.AUTH: (401, 1000),
    Fault.QUOTA_EXHAUSTED: (429, 1102),
    Fault.INVALID_INPUT: (400, 1201),
    Fault.MODEL_GONE: (404, 1203),
    Fault.MODERATED_INPUT: (400, 1301),
    Fault.RATE_LIMITED: (429, 1302),
    Fault.PARALLEL_LIMIT: (429, 1303),
    Fault.SERVER_ERROR: (500, 5000),
}


@pytest.mark.parametrize("fault", sorted(REFUSALS))
def test_it_refuses_as_the_script_says_once(kling: Kling, client: httpx.Client, fault: Fault) -> None:
    kling.script.add(Endpoint.CREATE, fault)
    answer = client.post(PATH, json=BODY)
    assert (answer.status_code, answer.json()["code"]) == CODES[fault]
    assert kling.tasks.paid == 0
    _create(client)
    assert (kling.tasks.paid, kling.script.waiting()) == (1, 0)


def test_what_is_no_answer_of_kling(kling: Kling, client: httpx.Client) -> None:
    kling.script.add(Endpoint.POLL, Fault.BAD_GATEWAY)
    kling.script.add(Endpoint.POLL, Fault.RUBBISH)
    kling.script.add(Endpoint.POLL, Fault.SLOW, 0.2)
    task_id = _create(client)
    gateway = client.get(f"{PATH}/{task_id}")
    assert (gateway.status_code, gateway.headers["content-type"]) == (502, "text/html; charset=utf-8")
    rubbish = client.get(f"{PATH}/{task_id}")
    with pytest.raises(json.JSONDecodeError):
        rubbish.json()
    before = clock.monotonic()
    assert _data(client.get(f"{PATH}/{task_id}"))["task_status"] == "submitted"
    assert clock.monotonic() - before >= 0.2


def test_a_dropped_connection_is_accepted_or_not(kling: Kling, client: httpx.Client) -> None:
    for fault, paid in ((Fault.DROP_BEFORE, 0), (Fault.DROP_AFTER_ACCEPT, 1)):
        kling.script.add(Endpoint.CREATE, fault)
        with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
            client.post(PATH, json=BODY)
        assert kling.tasks.paid == paid
    assert _data(client.get(f"{PATH}/submission-1"))["task_status"] == "submitted"


def test_slow_progress_and_a_lost_task(kling: Kling, client: httpx.Client) -> None:
    kling.script.add(Endpoint.CREATE, Fault.SLOW_PROGRESS, 3)
    kling.script.add(Endpoint.CREATE, Fault.LOST_TASK)
    slow, lost = _create(client), _create(client, BODY | {"external_task_id": "submission-2"})
    for _ in range(5):
        assert _data(client.get(f"{PATH}/{slow}"))["task_status"] in ("submitted", "processing")
    assert _data(client.get(f"{PATH}/{slow}"))["task_status"] == "succeed"
    for name in (lost, "submission-2"):
        answer = client.get(f"{PATH}/{name}")
        assert (answer.status_code, answer.json()["code"]) == (404, 1203)
    assert kling.tasks.paid == 2


def test_a_withheld_result_is_a_failed_task_in_a_good_answer(kling: Kling, client: httpx.Client) -> None:
    kling.script.add(Endpoint.CREATE, Fault.MODERATED_OUTPUT)
    done = _done(client, _create(client))
    assert done["task_status"] == "failed"
    assert done["task_status_msg"].startswith("Failure to pass the risk control system")
    assert "task_result" not in done


def test_results_fail_as_the_script_says(kling: Kling, client: httpx.Client) -> None:
    video = make_video(PHOTO, 5)
    answers = {}
    for fault in (Fault.EXPIRED_RESULT, Fault.CORRUPT_VIDEO, Fault.OVERSIZED_VIDEO, Fault.NOT_A_VIDEO):
        kling.script.add(Endpoint.RESULT, fault)
        done = _done(client, _create(client, BODY | {"external_task_id": fault}))
        answers[fault] = httpx.get(done["task_result"]["videos"][0]["url"])
    assert answers[Fault.EXPIRED_RESULT].status_code == 403
    assert answers[Fault.CORRUPT_VIDEO].content[:100] == video[:100]
    assert len(answers[Fault.CORRUPT_VIDEO].content) < len(video)
    assert len(answers[Fault.OVERSIZED_VIDEO].content) > 2_000_000
    assert answers[Fault.NOT_A_VIDEO].content == NOT_A_VIDEO
    assert answers[Fault.NOT_A_VIDEO].headers["content-type"] == "video/mp4"


def test_a_duplicate_is_there_twice(kling: Kling, client: httpx.Client) -> None:
    kling.script.add(Endpoint.CREATE, Fault.DUPLICATE)
    task_id = _create(client)
    first, second = _data(client.get(PATH))
    assert first == second
    assert len(_done(client, task_id)["task_result"]["videos"]) == 2

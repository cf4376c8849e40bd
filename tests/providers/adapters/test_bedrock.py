"""The adapter of Bedrock, against the emulated one: one task for each submission, and nothing left in the bucket."""

import asyncio
import base64
import json
from collections.abc import Coroutine, Iterator
from datetime import timedelta
from typing import Any, TypeVar

import httpx
import pytest

from cluster import clock
from serve.recipients.adapter import Access, Deletion, Finding, Pending, Ready, Search
from serve.recipients.bedrock import Bedrock
from serve.recipients.bedrock_failures import refused
from serve.recipients.failures import ProviderFailed, ProviderFailure
from serve.recipients.payload import Asked, Payload, Picture
from serve.recipients.wire import ControlRequest, LostOnTheWay, NotSent, Reply
from tests.emulators.bedrock import Bedrock as Emulator
from tests.emulators.script import Endpoint, Fault
from tests.emulators.server import Server, serving
from tests.emulators.videos import NOT_A_VIDEO, make_video
from tests.photos import jpeg, person
from tests.providers.adapters.wire import TestWire

PHOTO = jpeg(person())
ONE, TWO = "0123456789abcdef" * 2, "fedcba9876543210" * 2
PROMPT = "the sun rises"

Answer = TypeVar("Answer")


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[Emulator, Server]]:
    emulator = Emulator(oversized_bytes=2_000_000)
    with serving(emulator.app) as server:
        yield emulator, server


@pytest.fixture
def server(served: tuple[Emulator, Server]) -> Server:
    served[1].record.clear()
    return served[1]


@pytest.fixture
def emulator(served: tuple[Emulator, Server]) -> Emulator:
    emulator = served[0]
    emulator.script.clear()
    emulator.tasks.clear()
    emulator.bucket.clear()
    emulator.unavailable, emulator.most_listed = False, 1000
    return emulator


@pytest.fixture
def adapter(served: tuple[Emulator, Server]) -> Bedrock:
    return _adapter(served[1].url, served[0].api_key)


@pytest.fixture
def wire() -> TestWire:
    return TestWire()


def _adapter(url: str, secret: str, **options: str) -> Bedrock:
    secrets = {"access_key": Emulator.access_key, "secret_key": secret}
    return Bedrock(Access(url, secrets, {"region": "us-west-2", "bucket": "test-bucket", "prefix": "i2v"} | options))


def _payload(submission_id: str = ONE, prompt: str = PROMPT, **asked: Any) -> Payload:
    picture = Picture(data=PHOTO, content_type="image/jpeg", width=512, height=512)
    steered = Asked(**({"seconds": 5} | asked))
    return Payload(submission_id=submission_id, model="luma.ray-v2:0", picture=picture, prompt=prompt, asked=steered)


def _search(submission_id: str = ONE) -> Search:
    minute = timedelta(minutes=1)
    return Search(submission_id, "luma.ray-v2:0", clock.now() - minute, clock.now() + minute)


def _run(work: Coroutine[Any, Any, Answer]) -> Answer:
    return asyncio.run(work)


def _code(work: Coroutine[Any, Any, Any]) -> ProviderFailure:
    with pytest.raises(ProviderFailed) as caught:
        _run(work)
    assert PROMPT not in repr(caught.value)
    return caught.value.code


def _done(adapter: Bedrock, wire: TestWire, submission_id: str = ONE) -> str:
    task = _run(adapter.submit(wire, _payload(submission_id)))
    for _ in range(2):
        assert _run(adapter.poll(wire, task)) == Pending(running=True)
    return task


def test_a_submission_becomes_a_video_and_leaves_nothing(emulator: Emulator, adapter: Bedrock, wire: TestWire) -> None:
    task = _done(adapter, wire)
    assert _run(adapter.poll(wire, task)) == Ready()
    assert _run(adapter.result(wire, task, Ready())) == make_video(PHOTO, 5)
    assert _run(adapter.delete(wire, task)) is Deletion.DELETED
    assert emulator.bucket.versions("") == []
    assert _run(adapter.delete(wire, task)) is Deletion.ABSENT
    assert _code(adapter.result(wire, task, Ready())) is ProviderFailure.EXPIRED
    assert (emulator.tasks.paid, wire.sends) == (1, 1)


def test_nothing_but_this_is_sent(emulator: Emulator, adapter: Bedrock, wire: TestWire, server: Server) -> None:
    _run(adapter.submit(wire, _payload(seconds=9, resolution="540p", aspect_ratio="1:1")))
    source = {"type": "base64", "media_type": "image/jpeg", "data": base64.b64encode(PHOTO).decode()}
    assert json.loads(server.record.bodies[0]) == {
        "clientRequestToken": ONE,
        "modelId": "luma.ray-v2:0",
        "modelInput": {
            "prompt": PROMPT,
            "duration": "9s",
            "loop": False,
            "aspect_ratio": "1:1",
            "resolution": "540p",
            "keyframes": {"frame0": {"type": "image", "source": source}},
        },
        "outputDataConfig": {"s3OutputDataConfig": {"s3Uri": f"s3://test-bucket/i2v/{ONE}"}},
    }
    head = server.record.all_bytes().partition(b"\r\n\r\n")[0]
    for content in (ONE, PROMPT, source["data"][:40]):
        assert content.encode() not in head
    assert emulator.api_key.encode() not in server.record.all_bytes()


def test_two_submissions_share_nothing(emulator: Emulator, adapter: Bedrock, wire: TestWire) -> None:
    first, second = _done(adapter, wire, ONE), _done(adapter, wire, TWO)
    assert not {*first.partition(":")[::2]} & {*second.partition(":")[::2]}
    for task in (first, second):
        _run(adapter.poll(wire, task))
    assert _run(adapter.delete(wire, first)) is Deletion.DELETED
    left = [version.key for version in emulator.bucket.versions("")]
    assert len(left) == 2
    assert all(key.startswith(f"i2v/{TWO}/") for key in left)


REFUSED = {
    Fault.AUTH: ProviderFailure.AUTH,
    Fault.QUOTA_EXHAUSTED: ProviderFailure.QUOTA_EXHAUSTED,
    Fault.INVALID_INPUT: ProviderFailure.INVALID_INPUT,
    Fault.MODEL_GONE: ProviderFailure.MODEL_RETIRED,
    Fault.RATE_LIMITED: ProviderFailure.RATE_LIMITED,
    Fault.PARALLEL_LIMIT: ProviderFailure.CAPACITY,
}
OPEN = [Fault.SERVER_ERROR, Fault.BAD_GATEWAY, Fault.RUBBISH, Fault.DROP_BEFORE, Fault.DROP_AFTER_ACCEPT]


@pytest.mark.parametrize("fault", sorted(REFUSED))
def test_a_refusal_is_one_of_our_codes(emulator: Emulator, adapter: Bedrock, wire: TestWire, fault: Fault) -> None:
    emulator.script.add(Endpoint.CREATE, fault)
    assert _code(adapter.submit(wire, _payload())) is REFUSED[fault]
    assert emulator.tasks.paid == 0


def test_what_is_unavailable_is_tried_again(emulator: Emulator, adapter: Bedrock, wire: TestWire) -> None:
    emulator.unavailable = True
    assert _code(adapter.submit(wire, _payload())) is ProviderFailure.CAPACITY


@pytest.mark.parametrize(
    ("status", "name", "message", "code"),
    [
        (400, "ValidationException", "This request has been blocked by our content filters.", "moderation_input"),
        (400, "ValidationException:http://internal.amazon.com/", "The prompt is too long.", "invalid_input"),
        (400, "ValidationException", "The provided model identifier is invalid.", "model_retired"),
        (403, "UnrecognizedClientException", "The security token included in the request is invalid.", "auth"),
        (418, "TeapotException", "", "internal"),
        (503, "ServiceUnavailableException", "", "capacity"),
    ],
)
def test_amazons_words_are_told_apart(status: int, name: str, message: str, code: str) -> None:
    failure = refused(Reply(status, {"x-amzn-errortype": name}, json.dumps({"message": message}).encode()))
    assert isinstance(failure, ProviderFailed)
    assert failure.code.value == code


@pytest.mark.parametrize("fault", OPEN)
def test_a_lost_answer_is_looked_for_and_paid_once(
    emulator: Emulator, adapter: Bedrock, wire: TestWire, fault: Fault
) -> None:
    _run(adapter.submit(wire, _payload(TWO)))
    emulator.script.add(Endpoint.CREATE, fault)
    with pytest.raises(LostOnTheWay):
        _run(adapter.submit(wire, _payload()))
    found = _run(adapter.find(wire, _search()))
    assert found.certain
    assert (found.task is not None) is (fault is Fault.DROP_AFTER_ACCEPT)
    again = _run(adapter.submit(wire, _payload()))
    assert found.task in (None, again)
    assert emulator.tasks.paid == 2


def test_what_was_not_sent_is_not_paid(emulator: Emulator, adapter: Bedrock, wire: TestWire) -> None:
    wire.unreachable = True
    with pytest.raises(NotSent):
        _run(adapter.submit(wire, _payload()))
    assert (wire.sends, emulator.tasks.paid) == (1, 0)


def test_a_token_of_another_body_is_no_refusal(emulator: Emulator, adapter: Bedrock, wire: TestWire) -> None:
    task = _run(adapter.submit(wire, _payload()))
    with pytest.raises(LostOnTheWay):
        _run(adapter.submit(wire, _payload(prompt="another")))
    assert _run(adapter.find(wire, _search())) == Finding(task, certain=True)


def test_it_is_found_on_a_later_page(emulator: Emulator, adapter: Bedrock, wire: TestWire) -> None:
    emulator.most_listed = 1
    task = _run(adapter.submit(wire, _payload()))
    (listed,) = emulator.tasks.all()
    for number in range(3):
        _run(adapter.submit(wire, _payload(f"{number:032x}")))
    assert _run(adapter.find(wire, _search())) == Finding(task, certain=True)
    assert _run(adapter.find(wire, _search(TWO))) == Finding(None, certain=True)
    listed.fate = Fault.DUPLICATE
    assert _run(adapter.find(wire, _search())) == Finding(task, certain=True)
    for number in range(3, 10):
        _run(adapter.submit(wire, _payload(f"{number:032x}")))
    assert _run(adapter.find(wire, _search())) == Finding(None, certain=False)


def test_it_is_found_by_its_token_or_by_its_folder(emulator: Emulator, adapter: Bedrock, wire: TestWire) -> None:
    task = _run(adapter.submit(wire, _payload()))
    (listed,) = emulator.tasks.all()
    listed.reference = None
    assert _run(adapter.find(wire, _search())) == Finding(task, certain=True)
    emulator.started[listed.id].outputDataConfig.s3OutputDataConfig.s3Uri = "s3://test-bucket/elsewhere"
    assert _run(adapter.find(wire, _search())) == Finding(None, certain=True)
    listed.reference = ONE
    assert _run(adapter.find(wire, _search())) == Finding(task, certain=True)


ENDS = {
    Fault.MODERATED_INPUT: ProviderFailure.MODERATION_INPUT,
    Fault.MODERATED_OUTPUT: ProviderFailure.MODERATION_OUTPUT,
    Fault.LOST_TASK: ProviderFailure.EXPIRED,
}
UNTOLD = {
    Fault.AUTH: ProviderFailure.AUTH,
    Fault.RATE_LIMITED: ProviderFailure.RATE_LIMITED,
    Fault.SERVER_ERROR: ProviderFailure.CAPACITY,
    Fault.BAD_GATEWAY: ProviderFailure.CAPACITY,
    Fault.RUBBISH: ProviderFailure.CAPACITY,
}


@pytest.mark.parametrize("fault", sorted(ENDS))
def test_a_task_ends_without_a_video(emulator: Emulator, adapter: Bedrock, wire: TestWire, fault: Fault) -> None:
    task = _done(adapter, wire)
    emulator.script.add(Endpoint.POLL, fault)
    assert _code(adapter.poll(wire, task)) is ENDS[fault]
    there = Deletion.DELETED if fault is Fault.LOST_TASK else Deletion.ABSENT
    assert _run(adapter.delete(wire, task)) is there
    assert emulator.bucket.versions("") == []


@pytest.mark.parametrize("fault", sorted(UNTOLD))
def test_questions_without_an_answer(emulator: Emulator, adapter: Bedrock, wire: TestWire, fault: Fault) -> None:
    task = _done(adapter, wire)
    emulator.script.add(Endpoint.POLL, fault, times=2)
    assert _code(adapter.poll(wire, task)) is UNTOLD[fault]
    assert _code(adapter.delete(wire, task)) is UNTOLD[fault]
    assert _run(adapter.poll(wire, task)) == Ready()
    in_s3 = ProviderFailure.CAPACITY if fault is Fault.RATE_LIMITED else UNTOLD[fault]
    emulator.script.add(Endpoint.LIST, fault, times=2)
    assert _code(adapter.result(wire, task, Ready())) is in_s3
    assert _code(adapter.delete(wire, task)) is in_s3
    if fault is not Fault.RUBBISH:
        emulator.script.add(Endpoint.RESULT, fault)
        assert _code(adapter.result(wire, task, Ready())) is in_s3
        emulator.script.add(Endpoint.DELETE, fault)
        assert _code(adapter.delete(wire, task)) is in_s3
    assert emulator.script.waiting() == 0
    emulator.script.add(Endpoint.LIST, fault, times=2)
    assert _code(adapter.find(wire, _search())) is UNTOLD[fault]
    assert _code(adapter.check(wire)) is UNTOLD[fault]


def test_results_are_what_lies_there_or_nothing(emulator: Emulator, adapter: Bedrock, wire: TestWire) -> None:
    task = _done(adapter, wire)
    assert _run(adapter.poll(wire, task)) == Ready()
    emulator.script.add(Endpoint.RESULT, Fault.NOT_A_VIDEO)
    assert _run(adapter.result(wire, task, Ready())) == NOT_A_VIDEO
    emulator.script.add(Endpoint.RESULT, Fault.EXPIRED_RESULT)
    assert _code(adapter.result(wire, task, Ready())) is ProviderFailure.EXPIRED


def test_nothing_is_called_deleted_while_more_may_come(emulator: Emulator, adapter: Bedrock, wire: TestWire) -> None:
    task = _run(adapter.submit(wire, _payload()))
    assert not _run(adapter.cancel(wire, task))
    assert _code(adapter.delete(wire, task)) is ProviderFailure.CAPACITY
    assert _code(adapter.delete(wire, task)) is ProviderFailure.CAPACITY
    assert _run(adapter.delete(wire, task)) is Deletion.DELETED
    assert emulator.bucket.versions("") == []
    assert _run(adapter.delete(wire, "")) is Deletion.IMPOSSIBLE


def test_all_versions_are_deleted(emulator: Emulator, adapter: Bedrock, wire: TestWire) -> None:
    emulator.bucket.versioned, emulator.most_listed = True, 5
    task = _done(adapter, wire)
    _run(adapter.poll(wire, task))
    for number in range(8):
        emulator.bucket.put(f"i2v/{ONE}/part-{number}", b"part")
    emulator.bucket.delete(f"i2v/{ONE}/part-7", None)
    emulator.bucket.put(f"i2v/{ONE}0/another", b"no one's")
    assert _run(adapter.delete(wire, task)) is Deletion.DELETED
    assert [version.key for version in emulator.bucket.versions("")] == [f"i2v/{ONE}0/another"]


def test_a_key_that_cannot_be_read_is_not_passed_over(emulator: Emulator, adapter: Bedrock, wire: TestWire) -> None:
    task = _done(adapter, wire)
    _run(adapter.poll(wire, task))
    emulator.bucket.put(f"i2v/{ONE}/a&b", b"?")
    assert _code(adapter.delete(wire, task)) is ProviderFailure.CAPACITY


def test_a_key_is_checked(
    served: tuple[Emulator, Server], emulator: Emulator, adapter: Bedrock, wire: TestWire
) -> None:
    _run(adapter.check(wire))
    assert _code(_adapter(served[1].url, "wrong").check(wire)) is ProviderFailure.AUTH
    assert _code(_adapter(served[1].url, emulator.api_key, bucket="other").check(wire)) is ProviderFailure.AUTH
    assert (wire.sends, emulator.tasks.paid) == (0, 0)


class _Addresses(TestWire):
    """Goes nowhere, and notes down where it was to go."""

    def __init__(self) -> None:
        super().__init__()
        self.hosts: list[str] = []

    async def call(self, request: ControlRequest) -> Reply:
        self.hosts.append(httpx.URL(request.url).host)
        return Reply(200, {}, b'{"asyncInvokeSummaries": []}')


def test_the_bucket_is_beside_bedrock() -> None:
    wire = _Addresses()
    adapter = _adapter("https://bedrock-runtime.us-west-2.amazonaws.com", "key")
    assert _code(adapter.check(wire)) is ProviderFailure.CAPACITY
    assert wire.hosts == ["bedrock-runtime.us-west-2.amazonaws.com", "s3.us-west-2.amazonaws.com"]

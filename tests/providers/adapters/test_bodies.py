"""What each vendor is sent is its contract's fields and nothing else, and two submissions share nothing of anybody."""

import asyncio
import base64
import json
from email import message_from_bytes
from typing import Any

from tests.providers.adapters.vendors import ONE, PHOTO, TWO, Vendor, payload
from tests.providers.adapters.wire import TestWire

IMAGE = base64.b64encode(PHOTO).decode()
PROMPT = "the sun rises"

BODIES: dict[str, dict[str, Any]] = {
    "kling": {
        "model_name": "kling-v3",
        "image": IMAGE,
        "prompt": PROMPT,
        "negative_prompt": "fog",
        "duration": "5",
        "mode": "pro",
        "sound": "on",
        "external_task_id": ONE,
    },
    "wan": {
        "model": "wan2.7-i2v",
        "input": {
            "prompt": PROMPT,
            "negative_prompt": "fog",
            "media": [{"type": "first_frame", "url": f"data:image/jpeg;base64,{IMAGE}"}],
        },
        "parameters": {
            "duration": 3,
            "resolution": "1080P",
            "seed": 7,
            "prompt_extend": False,
            "watermark": False,
        },
    },
    "veo": {
        "instances": [{"prompt": PROMPT, "image": {"bytesBase64Encoded": IMAGE, "mimeType": "image/jpeg"}}],
        "parameters": {
            "sampleCount": 1,
            "durationSeconds": 4,
            "resolution": "720p",
            "aspectRatio": "9:16",
            "negativePrompt": "fog",
            "personGeneration": "allow_adult",
            "generateAudio": False,
            "seed": 7,
        },
    },
    "openai_videos": {
        "prompt": PROMPT,
        "model": "sora-2",
        "seconds": "4",
        "size": "720x1280",
        "input_reference": PHOTO,
    },
}
HEADERS = {
    "kling": set[str](),
    "wan": {"x-dashscope-async"},
    "veo": set[str](),
    "openai_videos": {"idempotency-key"},
}
OF_HTTP = {"host", "accept", "accept-encoding", "connection", "user-agent", "content-length", "content-type"}


def sent(vendor: Vendor, wire: TestWire, **more: str) -> tuple[dict[str, str], bytes]:
    """Headers and body of a submission, as they came."""
    vendor.server.record.clear()
    asyncio.run(vendor.adapter.submit(wire, payload(vendor, **more)))
    body = bytes(vendor.server.record.bodies[-1])
    raw = vendor.server.record.all_bytes()
    head = raw[: raw.index(body)].rpartition(b"POST ")[2] if body in raw else raw
    lines = head.decode("latin-1").strip().split("\r\n")[1:]
    return {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}, body


def fields(headers: dict[str, str], body: bytes) -> dict[str, Any]:
    """A body's fields: of JSON, or of a form."""
    if headers["content-type"].startswith("application/json"):
        found: dict[str, Any] = json.loads(body)
        return found
    message = message_from_bytes(b"content-type: " + headers["content-type"].encode() + b"\r\n\r\n" + body)
    parts: Any = message.get_payload()
    values = {part.get_param("name", header="content-disposition"): part.get_payload(decode=True) for part in parts}
    return {name: value if name == "input_reference" else value.decode() for name, value in values.items()}


def test_nothing_but_the_contract_s_fields_is_sent(vendor: Vendor, wire: TestWire) -> None:
    headers, body = sent(vendor, wire)
    assert fields(headers, body) == BODIES[vendor.name]
    assert set(headers) - OF_HTTP == {"authorization"} | HEADERS[vendor.name]
    assert (wire.sends, vendor.emulator.tasks.paid) == (1, 1)


def test_two_submissions_have_nothing_in_common_but_what_was_asked_for(vendor: Vendor, wire: TestWire) -> None:
    first, second = sent(vendor, wire), sent(vendor, wire, submission_id=TWO, prompt="another")
    assert ONE.encode() not in second[1]
    assert ONE not in str(second[0])
    ours = {name: value for name, value in second[0].items() if name not in OF_HTTP}
    common = {name for name, value in ours.items() if first[0][name] == value}
    assert common <= {"authorization", "x-dashscope-async"}
    strip = {"prompt", "external_task_id", "instances", "input"}
    kept = [{name: each for name, each in fields(*one).items() if name not in strip} for one in (first, second)]
    assert kept[0] == kept[1]
    assert PROMPT.encode() not in second[1]

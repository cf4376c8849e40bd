"""What is wrong is refused with a clear 4xx, in the OpenAI shape, and nothing of it is stored."""

import base64
import json
import struct
import zlib
from typing import Any

import pytest
from PIL import Image

from tests.api import PHOTO, Api, Person, picture

CANARY = "heron-quuxwater"
FORM = "multipart/form-data; boundary=B"
PNG = picture("PNG")


def bomb() -> bytes:
    """A small PNG that says it is 30,000 x 30,000 pixels."""
    header = struct.pack(">II5B", 30_000, 30_000, 8, 2, 0, 0, 0)
    rows = zlib.compress(b"\0" * 90_001 * 100)

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def part(head: str, body: bytes = b"x", end: bytes = b"\r\n--B--\r\n") -> dict[str, Any]:
    content = b"--B\r\nContent-Disposition: form-data; " + head.encode() + b"\r\n\r\n" + body + end
    return {"content": content, "headers": {"content-type": FORM}}


def photo(data: bytes) -> dict[str, Any]:
    return {"files": {"input_reference": (CANARY, data)}}


def field(**fields: str) -> dict[str, Any]:
    return {"files": {"input_reference": ("upload", PHOTO)}, "data": fields}


def body(text: str | bytes, kind: str = "application/json") -> dict[str, Any]:
    return {"content": text, "headers": {"content-type": kind}}


def linked(**fields: object) -> dict[str, Any]:
    url = "data:image/jpeg;base64," + base64.b64encode(PHOTO).decode()
    return body(json.dumps({"input_reference": {"image_url": url}} | fields))


REFUSED: dict[str, tuple[dict[str, Any], str, str | None]] = {
    "not an image": (photo(b"no picture " * 50), "not_an_image", "input_reference"),
    "empty file": (photo(b""), "image_empty", "input_reference"),
    "truncated": (photo(PHOTO[: len(PHOTO) // 2]), "image_truncated", "input_reference"),
    "truncated png": (photo(PNG[: len(PNG) // 2]), "image_truncated", "input_reference"),
    "bomb": (photo(bomb()), "image_too_large", "input_reference"),
    "svg": (photo(b"<svg xmlns='http://www.w3.org/2000/svg'/>"), "unsupported_image_type", "input_reference"),
    "tiny": (photo(picture(size=(32, 32))), "image_too_small", "input_reference"),
    "narrow": (photo(picture(size=(1000, 100))), "aspect_out_of_range", "input_reference"),
    "animated": (
        photo(picture("GIF", save_all=True, append_images=[Image.new("RGB", (320, 240), "red")])),
        "image_animated",
        "input_reference",
    ),
    "animated webp": (
        photo(picture("WEBP", save_all=True, append_images=[Image.new("RGB", (320, 240), "red")])),
        "image_animated",
        "input_reference",
    ),
    "panorama": (photo(picture(size=(2000, 100))), "aspect_out_of_range", "input_reference"),
    "one pixel": (photo(picture(size=(1, 1))), "image_too_small", "input_reference"),
    "no photo": ({"data": {"prompt": "x"}, "files": {"prompt2": (None, "x")}}, "invalid_request", None),
    "only a prompt": ({"files": {"prompt": (None, "x")}}, "invalid_request", "input_reference"),
    "two photos": (
        {"files": [("input_reference", ("a", PHOTO)), ("input_reference", ("b", PHOTO))]},
        "invalid_request",
        "input_reference",
    ),
    "three photos": ({"files": [("input_reference", ("a", PHOTO))] * 3}, "invalid_request", None),
    "a file elsewhere": ({"files": {"mask": ("a", PHOTO)}}, "invalid_request", "input_reference"),
    "a photo as text": ({"files": {"input_reference": (None, CANARY)}}, "invalid_request", "input_reference"),
    "a photo by link": (
        body(json.dumps({"input_reference": {"image_url": f"https://{CANARY}.example/a.jpg"}})),
        "url_unreachable",
        "input_reference",
    ),
    "a broken data URL": (
        body(json.dumps({"input_reference": {"image_url": "data:image/png;base64,!!"}})),
        "invalid_request",
        "input_reference",
    ),
    "a photo as number": (body('{"input_reference": 3}'), "invalid_request", "input_reference"),
    "no json": (body(f"{{{CANARY}"), "invalid_request", None),
    "a json list": (body("[1, 2]"), "invalid_request", None),
    "deep json": (body("[" * 200_000), "invalid_request", None),
    "json that is not utf-8": (body(b'{"prompt": "\xff\xfe\xff"}'), "invalid_request", None),
    "lone surrogate": (linked(prompt="\ud800"), "invalid_request", "prompt"),
    "lone surrogate in a name": (linked(**{"\udfff": "x"}), "invalid_request", None),
    "prompt no text": (linked(prompt=["x"]), "invalid_request", "prompt"),
    "model no text": (linked(model=None), "invalid_request", "model"),
    "subject no text": (linked(subject=["x"]), "invalid_request", "subject"),
    "subject empty": (field(subject=""), "invalid_request", "subject"),
    "subject that no URL can name": (field(subject=".."), "invalid_request", "subject"),
    "subject too long": (field(subject="x" * 201), "invalid_request", "subject"),
    "subject with a lone surrogate": (linked(subject="\ud800"), "invalid_request", "subject"),
    "no body": (body(b""), "invalid_request", None),
    "no type": ({"content": b"x"}, "invalid_request", "content-type"),
    "plain text": (body(CANARY, "text/plain"), "invalid_request", "content-type"),
    "urlencoded": ({"data": {"prompt": CANARY}}, "invalid_request", "content-type"),
    "no boundary": (body(b"x", "multipart/form-data"), "invalid_request", None),
    "wrong boundary": (body(b"--C\r\n\r\nx", FORM), "invalid_request", None),
    "part without a name": (part("nothing=1"), "invalid_request", None),
    "part without an end": (part('name="input_reference"; filename="a"', PHOTO, b""), "invalid_request", None),
    "a field twice": (
        {"files": [("input_reference", ("a", PHOTO)), ("fps", (None, "24")), ("fps", (None, "25"))]},
        "invalid_request",
        None,
    ),
    "too many fields": (field(**{f"field{i}": "x" for i in range(50)}), "invalid_request", None),
    "unknown field": (field(**{CANARY: CANARY}), "invalid_request", None),
    "prompt too long": (field(prompt="x" * 5001), "invalid_request", "prompt"),
    "100 kB of prompt": (field(prompt="x" * 100_000), "invalid_request", "prompt"),
    "unknown model": (field(model=CANARY), "model_not_found", "model"),
    "model with a NUL": (field(model="\x00"), "model_not_found", "model"),
    "retired model": (field(model="bygone"), "model_retired", None),
    **{
        f"size {size}": (field(size=size), "invalid_request", "size")
        for size in (
            "abc",
            "1x1",
            "99999x99999",
            "832",
            "832x",
            "-832x480",
            "832X480",
            "832x480x3",
            "٨٣٢x480",
            "nanxnan",
            "9" * 500 + "x480",
            "",
        )
    },
    **{
        f"seconds {seconds}": (field(seconds=seconds), "invalid_request", "seconds")
        for seconds in ("0", "-1", "1e9", "9" * 500, "nan", "inf", "abc", "", "0.99", "20.01")
    },
    **{
        f"fps {fps}": (field(fps=fps), "invalid_request", "fps")
        for fps in ("0", "-1", "11", "61", "24.5", "nan", "abc", "9" * 500)
    },
    "json NaN": (linked(seconds=float("nan")), "invalid_request", "seconds"),
    "json infinity": (linked(fps=float("inf")), "invalid_request", "fps"),
    "unknown camera": (field(camera=CANARY), "invalid_request", "camera"),
    "strength": (field(strength="1.1"), "invalid_request", "strength"),
    "seed": (field(seed="-1"), "invalid_request", "seed"),
    "loop": (field(loop="perhaps"), "invalid_request", "loop"),
    "fit without size": (field(fit="keep"), "invalid_request", None),
}


@pytest.mark.parametrize("name", REFUSED)
def test_it_is_refused_and_nothing_is_stored(api: Api, person: Person, name: str) -> None:
    request, code, param = REFUSED[name]
    before = api.snapshot()
    answer = person.post("/v1/videos", **request)
    assert answer.status_code == 400, answer.text
    error = answer.json()["error"]
    assert (error["type"], error["code"], error["param"]) == ("invalid_request_error", code, param)
    assert error["message"].endswith(".")
    assert CANARY not in answer.text
    assert api.snapshot() == before


def test_without_a_key_nothing_is_even_read(api: Api) -> None:
    before = api.snapshot()
    for headers in ({}, {"authorization": "Bearer wrong"}):
        answer = api.client.post("/v1/videos", headers=headers, **photo(PHOTO))
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, "invalid_api_key")
    assert api.snapshot() == before


@pytest.mark.parametrize("declared", [True, False])
@pytest.mark.parametrize("path", ["/v1/videos", "/v1/accounts", "/v1/consents"])
def test_a_body_of_60_megabytes_is_too_large(api: Api, person: Person, path: str, declared: bool) -> None:
    before = api.snapshot()
    content = b" " * 60_000_000
    headers = {"content-type": "application/json"}
    answer = person.post(path, content=content if declared else iter([content]), headers=headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "payload_too_large")
    assert "52428800" in answer.json()["error"]["message"]
    assert api.snapshot() == before


def test_a_photo_just_within_the_limit_is_read(person: Person) -> None:
    padded = PHOTO + b"\0" * (52_000_000 - len(PHOTO))
    assert person.create(padded).status_code == 200


def test_the_positive_controls_of_this_table_are_accepted(person: Person) -> None:
    wide = field(size="1920x256", seconds="1", fps="60", camera="orbit", loop="true", seed="3", strength="1")
    for accepted in (
        photo(PHOTO),
        wide,
        linked(),
        linked(prompt="x" * 5000, seconds=20),
        linked(subject="é" * 200),
        field(prompt="\x00 \x7f \u202e\u2066 é 🎬"),
        photo(picture("TIFF")),
    ):
        answer = person.post("/v1/videos", **accepted)
        assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("name", [f"../../{CANARY}", f"/etc/{CANARY}", f"..\\{CANARY}\x00.jpg", f"\u202e{CANARY}"])
def test_the_name_of_a_file_says_nothing(api: Api, person: Person, name: str) -> None:
    answer = person.post("/v1/videos", files={"input_reference": (name, PHOTO)})
    assert answer.status_code == 200, answer.text
    assert CANARY not in answer.text
    assert not [key for key in api.snapshot().objects if CANARY in key or ".." in key]
    assert CANARY not in str(api.world.sql("SELECT * FROM jobs")) + str(api.world.sql("SELECT * FROM media"))

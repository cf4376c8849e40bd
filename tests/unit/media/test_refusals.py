"""What is refused as a photo, with which code; and that nothing else than a refusal comes of broken files."""

import random
import struct
import time
import zlib
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from serve.media.decode import decode
from serve.media.errors import MediaError
from serve.media.probe import ImageLimits, inspect
from tests.photos import jpeg, person

LIMITS = ImageLimits(max_pixels=20_000_000, min_side=64, max_aspect=4.0)


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    stream = BytesIO()
    image.save(stream, kind, **options)  # type: ignore[arg-type]
    return stream.getvalue()


def flat(width: int, height: int) -> Image.Image:
    return Image.new("RGB", (width, height), (90, 120, 60))


def png_header(width: int, height: int) -> bytes:
    """A tiny PNG that claims to be huge."""
    head = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = b"IDAT" + zlib.compress(b"\0" * 100)
    chunks = [(len(head) - 4, head), (len(data) - 4, data), (0, b"IEND")]
    body = b"".join(struct.pack(">I", n) + c + struct.pack(">I", zlib.crc32(c)) for n, c in chunks)
    return b"\x89PNG\r\n\x1a\n" + body


def animated(kind: str) -> bytes:
    frames = [Image.new("RGB", (128, 128), (i * 40, 20, 90)) for i in range(4)]
    return saved(frames[0], kind, save_all=True, append_images=frames[1:], duration=100)


REFUSALS = {
    "empty": (b"", "image_empty"),
    "text": (b"just some words, no picture at all", "not_an_image"),
    "zeros": (bytes(5000), "not_an_image"),
    "svg": (b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>', "unsupported_image_type"),
    "bare svg": (b'\n <svg width="100" height="100"/>', "unsupported_image_type"),
    "pdf": (b"%PDF-1.7 and so on", "unsupported_image_type"),
    "mp4": (b"\0\0\0\x20ftypisom" + bytes(64), "unsupported_image_type"),
    "heic": (b"\0\0\0\x20ftypheic" + bytes(64), "unsupported_image_type"),
    "bomb": (png_header(30000, 30000), "image_too_large"),
    "1x1": (saved(flat(1, 1), "PNG"), "image_too_small"),
    "63 wide": (saved(flat(63, 100), "JPEG"), "image_too_small"),
    "panorama": (saved(flat(2000, 100), "JPEG"), "aspect_out_of_range"),
    "animated gif": (animated("GIF"), "image_animated"),
    "animated webp": (animated("WEBP"), "image_animated"),
    "animated png": (animated("PNG"), "image_animated"),
    "header alone": (b"\xff\xd8\xff\xe0", "not_an_image"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_is_refused_with_its_code(name: str) -> None:
    data, code = REFUSALS[name]
    with pytest.raises(MediaError) as refusal:
        inspect(data, LIMITS)
    assert refusal.value.code == code
    assert len(refusal.value.message.split()) > 4


def test_a_bomb_is_refused_before_it_is_decoded() -> None:
    started = time.perf_counter()
    with pytest.raises(MediaError):
        inspect(png_header(60000, 60000), LIMITS)
    assert time.perf_counter() - started < 0.5


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("part", [0.1, 0.35, 0.6, 0.9, 0.99])
def test_a_truncated_picture_is_refused(kind: str, part: float) -> None:
    whole = saved(Image.fromarray(person()), kind)
    with pytest.raises(MediaError) as refusal:
        inspect(whole[: int(len(whole) * part)], LIMITS)
    assert refusal.value.code in {"image_truncated", "not_an_image"}


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF", "GIF", "TIFF"])
def test_a_whole_picture_is_accepted(kind: str) -> None:
    facts = inspect(saved(Image.fromarray(person()), kind), LIMITS)
    assert (facts.format, facts.width, facts.height) == (kind, 512, 512)


def test_mutated_files_are_refused_or_read_and_nothing_else() -> None:
    chance = random.Random(7)
    small = Image.fromarray(person()).resize((96, 96))
    originals = [saved(small, kind) for kind in ("JPEG", "PNG", "WEBP", "GIF", "TIFF")] + [jpeg(person()[:96, :96])]
    outcomes = {"read": 0, "refused": 0}
    for _ in range(1200):
        data = bytearray(chance.choice(originals))
        for _ in range(chance.randint(1, 20)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        try:
            inspect(bytes(data), LIMITS)
            pixels = decode(bytes(data), LIMITS, 512)
        except MediaError:
            outcomes["refused"] += 1
        else:
            assert pixels.dtype == np.uint8
            outcomes["read"] += 1
    assert min(outcomes.values()) > 50

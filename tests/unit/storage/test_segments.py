"""The sealed-object format: arithmetic, and every way to tamper with segments."""

import re
from collections.abc import Iterable
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cluster.storage import segments
from cluster.storage.errors import SealBroken
from cluster.storage.segments import HEADER_BYTES, OVERHEAD, SEGMENT_BYTES, Header, Layout

FULL = SEGMENT_BYTES + OVERHEAD
SIZES = st.one_of(
    st.integers(0, 5 * SEGMENT_BYTES),
    st.builds(lambda n, d: max(0, n * SEGMENT_BYTES + d), st.integers(0, 5), st.integers(-2, 2)),
)


class PlainAead:
    """Ten honest lines in place of a cipher: it authenticates by comparing, which is all that the format needs."""

    def encrypt(self, plaintext: bytes, associated_data: bytes) -> bytes:
        return associated_data.ljust(OVERHEAD, b"\0") + plaintext

    def decrypt(self, ciphertext: bytes, associated_data: bytes) -> bytes:
        if ciphertext[:OVERHEAD] != associated_data.ljust(OVERHEAD, b"\0"):
            raise SealBroken
        return ciphertext[OVERHEAD:]


def sealed(size: int, chunk: int = SEGMENT_BYTES, object_id: str = "media_1") -> list[bytes]:
    chunks: Iterable[bytes] = (bytes(min(chunk, size - at)) for at in range(0, size, chunk))
    return list(segments.seal_stream(PlainAead(), b"wrapped", object_id, chunks))


def opened(pieces: list[bytes], object_id: str = "media_1") -> int:
    data = b"".join(pieces)
    layout = Layout(len(data))
    start, length = layout.sealed_span(range(layout.count))
    parts = layout.split(data[start : start + length])
    return sum(
        len(segments.open_segment(PlainAead(), layout, object_id, index, part)) for index, part in enumerate(parts)
    )


@given(size=SIZES, chunk=st.integers(100_000, 3 * SEGMENT_BYTES))
@settings(max_examples=60, deadline=None)
def test_the_plain_size_follows_from_the_sealed_length(size: int, chunk: int) -> None:
    pieces = sealed(size, chunk)
    layout = Layout(sum(map(len, pieces)))
    assert (layout.size, layout.count) == (size, len(pieces) - 1)
    assert opened(pieces) == size


@given(size=SIZES, data=st.data())
@settings(max_examples=200, deadline=None)
def test_a_plain_range_maps_to_the_fewest_segments(size: int, data: st.DataObject) -> None:
    layout = Layout(HEADER_BYTES + size + max(1, -(-size // SEGMENT_BYTES)) * OVERHEAD)
    start, end = sorted([data.draw(st.integers(0, size)), data.draw(st.integers(0, size))])
    wanted = layout.segments(start, end)
    assert list(wanted) == sorted({at // SEGMENT_BYTES for at in (*range(start, end, SEGMENT_BYTES), end - 1)} - {-1}
                                  if end > start else set())  # fmt: skip
    if wanted:
        offset, length = layout.sealed_span(wanted)
        assert offset == HEADER_BYTES + wanted.start * FULL
        assert offset + length <= layout.sealed_bytes
        assert length <= (end - start) + 2 * FULL


@pytest.mark.parametrize("length", [0, HEADER_BYTES, HEADER_BYTES + OVERHEAD - 1, HEADER_BYTES + FULL + OVERHEAD])
def test_lengths_that_no_object_has_are_refused(length: int) -> None:
    with pytest.raises(SealBroken, match="cut off"):
        Layout(length)


@pytest.mark.parametrize(("start", "end"), [(-1, 1), (2, 1), (0, 11), (11, 11)])
def test_ranges_outside_are_refused(start: int, end: int) -> None:
    with pytest.raises(ValueError, match="outside"):
        Layout(HEADER_BYTES + OVERHEAD + 10).segments(start, end)


def test_tampering_with_segments_is_noticed() -> None:
    header, *parts = sealed(3 * SEGMENT_BYTES + 5)
    other = sealed(3 * SEGMENT_BYTES + 5, object_id="media_2")[1:]
    tampered = {
        "swapped": [parts[1], parts[0], *parts[2:]],
        "reordered": [*parts[1:3], parts[0], parts[3]],
        "dropped first": parts[1:],
        "dropped in the middle": [parts[0], *parts[2:]],
        "truncated to whole segments": parts[:-1],
        "truncated to one": parts[:1],
        "repeated": [parts[0], *parts],
        "spliced": [parts[0], other[1], *parts[2:]],
        "extended": [*parts[:-1], parts[0], parts[-1]],
    }
    assert opened([header, *parts]) == 3 * SEGMENT_BYTES + 5
    for how, pieces in tampered.items():
        try:
            opened([header, *pieces])
        except SealBroken:
            continue
        pytest.fail(f"{how} segments were opened")


def test_an_object_under_another_id_does_not_open() -> None:
    with pytest.raises(SealBroken):
        opened(sealed(10), object_id="media_2")


def test_the_header_round_trips_and_refuses_anything_else() -> None:
    data = Header(b"w" * 144).encode()
    assert len(data) == HEADER_BYTES
    assert Header.decode(data).wrapped == b"w" * 144
    broken = [data[:-1], b"x" + data[1:], data[:9] + b"\2" + data[10:], data[:12] + b"\1" + data[13:]]
    for wrong in [*broken, data[:16] + b"\xff\xff" + data[18:]]:
        with pytest.raises(SealBroken):
            Header.decode(wrong)
    with pytest.raises(ValueError, match=re.escape("does not fit")):
        Header(bytes(500)).encode()


def test_sealing_streams() -> None:
    """It asks for no more than it must: memory does not grow with the object."""
    asked: list[int] = []

    def source() -> Iterable[bytes]:
        for index in range(50):
            asked.append(index)
            yield bytes(SEGMENT_BYTES)

    seen = [len(asked) for _ in segments.seal_stream(PlainAead(), b"", "o", source())]
    assert all(later - earlier <= 2 for earlier, later in pairwise(seen))

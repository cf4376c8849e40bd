"""The sealed-object format: a header and independent segments, so that a range opens without the rest.

    header    512 bytes: magic, version, segment size, overhead, length of the wrapped data key, that key, zeros
    segment   nonce, ciphertext and tag of up to 1 MiB of plain bytes; only the last may be shorter

A segment's associated data is object id | index | whether it is the last: one that was moved, dropped, swapped or
cut off does not open. The plain size follows from the sealed length, so a stream is sealed as it comes. An empty
object is one empty segment. This module knows bytes and an Aead, nothing of keys or stores.
"""

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from cluster.storage.errors import SealBroken

__all__ = ["HEADER_BYTES", "OVERHEAD", "SEGMENT_BYTES", "Aead", "Header", "Layout", "open_segment", "seal_stream"]

HEADER_BYTES = 512
SEGMENT_BYTES = 1 << 20
OVERHEAD = 33
_FULL = SEGMENT_BYTES + OVERHEAD
_MAGIC = b"i2vsealed"
_VERSION = 1
_FIELDS = struct.Struct(">9sBIHH")


class Aead(Protocol):
    """Authenticated encryption whose ciphertexts are `OVERHEAD` bytes longer than their plain bytes."""

    def encrypt(self, plaintext: bytes, associated_data: bytes) -> bytes:
        """Seal."""

    def decrypt(self, ciphertext: bytes, associated_data: bytes) -> bytes:
        """Open, or raise `SealBroken`."""


@dataclass(frozen=True)
class Header:
    """The first bytes of a sealed object. ``wrapped``: its data key, sealed by the key of the account."""

    wrapped: bytes

    def encode(self) -> bytes:
        """The header as `HEADER_BYTES` bytes."""
        fields = _FIELDS.pack(_MAGIC, _VERSION, SEGMENT_BYTES, OVERHEAD, len(self.wrapped))
        if len(fields) + len(self.wrapped) > HEADER_BYTES:
            raise ValueError("the wrapped data key does not fit into the header")
        return (fields + self.wrapped).ljust(HEADER_BYTES, b"\0")

    @classmethod
    def decode(cls, data: bytes) -> "Header":
        """Read a header; `SealBroken` if the bytes are none, or of a version that this code does not know."""
        if len(data) != HEADER_BYTES:
            raise SealBroken("the header is cut off")
        magic, version, segment_bytes, overhead, length = _FIELDS.unpack_from(data)
        known = (magic, version, segment_bytes, overhead) == (_MAGIC, _VERSION, SEGMENT_BYTES, OVERHEAD)
        if not known or length > HEADER_BYTES - _FIELDS.size:
            raise SealBroken("this is no sealed object of a known version")
        return cls(data[_FIELDS.size : _FIELDS.size + length])


@dataclass(frozen=True)
class Layout:
    """Where things lie in a sealed object of ``sealed_bytes``; the arithmetic between plain and sealed."""

    sealed_bytes: int

    def __post_init__(self) -> None:
        """Refuse lengths that no sealed object has."""
        rest = self._payload % _FULL
        smallest = OVERHEAD if self._payload <= OVERHEAD else OVERHEAD + 1
        if self._payload < OVERHEAD or 0 < rest < smallest:
            raise SealBroken("the sealed object is cut off")

    @property
    def _payload(self) -> int:
        return self.sealed_bytes - HEADER_BYTES

    @property
    def count(self) -> int:
        """Number of segments, at least one."""
        return -(-self._payload // _FULL)

    @property
    def size(self) -> int:
        """Number of plain bytes."""
        return self._payload - self.count * OVERHEAD

    def segments(self, start: int, end: int) -> range:
        """Indices of the segments that hold the plain bytes ``start <= i < end``; an empty range has none."""
        if not 0 <= start <= end <= self.size:
            raise ValueError("the range lies outside the object")
        return range(start // SEGMENT_BYTES, -(-end // SEGMENT_BYTES) if end > start else 0)

    def sealed_span(self, indices: range) -> tuple[int, int]:
        """Offset and length, in the sealed object, of a run of neighbouring segments."""
        start = HEADER_BYTES + indices.start * _FULL
        return start, min(HEADER_BYTES + indices.stop * _FULL, self.sealed_bytes) - start

    def split(self, sealed: bytes) -> Iterator[bytes]:
        """Cut fetched bytes, which begin at a segment's start, into segments."""
        return (sealed[at : at + _FULL] for at in range(0, len(sealed), _FULL))


def _associated(object_id: str, index: int, *, last: bool) -> bytes:
    return f"{object_id}|{index}|{last:d}".encode()


def seal_stream(aead: Aead, wrapped: bytes, object_id: str, chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Seal plain chunks of any sizes as they come: the header, then a segment at a time.

    Memory holds two segments at most besides the largest chunk.
    """
    yield Header(wrapped).encode()
    index = 0
    pending = bytearray()
    for chunk in chunks:
        pending += chunk
        while len(pending) > SEGMENT_BYTES:
            yield aead.encrypt(bytes(pending[:SEGMENT_BYTES]), _associated(object_id, index, last=False))
            del pending[:SEGMENT_BYTES]
            index += 1
    yield aead.encrypt(bytes(pending), _associated(object_id, index, last=True))


def open_segment(aead: Aead, layout: Layout, object_id: str, index: int, sealed: bytes) -> bytes:
    """The plain bytes of one segment, or `SealBroken`."""
    return aead.decrypt(sealed, _associated(object_id, index, last=index == layout.count - 1))

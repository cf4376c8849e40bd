"""Media as sealed objects: plain bytes in and out of an object store, under the key of the account they belong to."""

from collections.abc import Callable, Iterable, Iterator

from cluster.storage import segments
from cluster.storage.erasure import Erasure
from cluster.storage.errors import SealBroken
from cluster.storage.keys import KeyStore
from cluster.storage.objects import ObjectStore
from cluster.storage.openings import Opening
from cluster.storage.segments import HEADER_BYTES, SEGMENT_BYTES, Header, Layout

__all__ = ["SealedReader", "SealedStore"]

SEGMENTS_A_FETCH = 4


def _context(object_id: str) -> str:
    return f"object|{object_id}"


class SealedReader:
    """One sealed object, opened piece by piece. Its key is asked for again with every fetch, so that it stops
    reading within a second of the key's destruction."""

    def __init__(self, objects: ObjectStore, keys: KeyStore, key: str, opening: Opening, object_id: str) -> None:
        """Look up the length; nothing is read yet. Raises `ObjectMissing`."""
        self._objects = objects
        self._keys = keys
        self._key = key
        self._opening = opening
        self._object_id = object_id
        self._layout = Layout(objects.size(key))
        self._wrapped: bytes | None = None

    @property
    def size(self) -> int:
        """Number of plain bytes."""
        return self._layout.size

    def read(self, start: int, length: int) -> bytes:
        """The plain bytes from ``start``, at most ``length`` and fewer only at the end; fetches only their segments.

        Raises:
            SealBroken: the bytes were altered, cut or moved, or belong to another account or object.
            KeyMissing: the account's key was destroyed.
        """
        return b"".join(self.chunks(start, start + length))

    def chunks(
        self, start: int = 0, end: int | None = None, before_chunk: Callable[[], None] | None = None
    ) -> Iterator[bytes]:
        """The plain bytes ``start <= i < end`` in pieces of a megabyte at most.

        ``before_chunk`` runs before each piece is opened; what it raises ends the reading.
        """
        begin = min(start, self.size)
        stop = self.size if end is None else max(begin, min(end, self.size))
        wanted = self._layout.segments(begin, stop)
        for first in range(wanted.start, wanted.stop, SEGMENTS_A_FETCH):
            indices = range(first, min(first + SEGMENTS_A_FETCH, wanted.stop))
            wrapped, fetched = self._fetch(indices)
            for index, sealed in zip(indices, self._layout.split(fetched), strict=True):
                if before_chunk is not None:
                    before_chunk()
                plain = self._open(wrapped, index, sealed)
                offset = index * SEGMENT_BYTES
                yield plain[max(begin - offset, 0) : stop - offset]

    def _fetch(self, indices: range) -> tuple[bytes, bytes]:
        """The wrapped data key and a run of sealed segments, in one request when the header lies right before them."""
        start, length = self._layout.sealed_span(indices)
        if self._wrapped is None and start == HEADER_BYTES:
            together = self._read(0, HEADER_BYTES + length)
            self._wrapped = Header.decode(together[:HEADER_BYTES]).wrapped
            return self._wrapped, together[HEADER_BYTES:]
        if self._wrapped is None:
            self._wrapped = Header.decode(self._read(0, HEADER_BYTES)).wrapped
        return self._wrapped, self._read(start, length)

    def _read(self, start: int, length: int) -> bytes:
        data = self._objects.read(self._key, start, length)
        if len(data) != length:
            raise SealBroken("the sealed object was cut off")
        return data

    def _open(self, wrapped: bytes, index: int, sealed: bytes) -> bytes:
        aead = self._keys.unwrap(self._opening, wrapped, _context(self._object_id))
        return segments.open_segment(aead, self._layout, self._object_id, index, sealed)


class SealedStore:
    """Puts, opens and deletes sealed objects. ``key`` is where an object lies, ``object_id`` what it is."""

    def __init__(self, objects: ObjectStore, keys: KeyStore) -> None:
        """Join the two stores."""
        self.objects = objects
        self.keys = keys

    def put(self, key: str, account_id: str, object_id: str, chunks: Iterable[bytes]) -> int:
        """Seal and store a stream as it comes; returns its plain size. Appears whole or not at all.

        Raises:
            KeyMissing: the account has no key (any more).
        """
        aead, wrapped = self.keys.data_key(account_id, _context(object_id))
        return Layout(self.objects.put(key, segments.seal_stream(aead, wrapped, object_id, chunks))).size

    def open(self, key: str, opening: Opening, object_id: str) -> SealedReader:
        """A reader of the object; raises `ObjectMissing` if there is none."""
        return SealedReader(self.objects, self.keys, key, opening, object_id)

    def delete(self, key: str) -> Erasure:
        """Remove the object."""
        return self.objects.delete(key)

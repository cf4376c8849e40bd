"""What an object store does, whichever it is: raw bytes, sealed already, under keys that we make."""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Protocol

from cluster.storage.erasure import Erasure

__all__ = ["ObjectStore", "check_key", "check_prefix"]

_PART = r"[A-Za-z0-9_-][A-Za-z0-9._-]*"
_KEY = re.compile(rf"{_PART}(/{_PART})*")
_PREFIX = re.compile(rf"(|{_PART}(/{_PART})*/?)")
_LONGEST = 512


class ObjectStore(Protocol):
    """Bytes by key. Usable from threads; every process opens its own.

    Keys are made by us: parts of letters, digits, ``_``, ``-`` and (not first) ``.``, joined by ``/``; any other is
    a `ValueError`. Every method may raise `ObjectStoreUnavailable`, except those that erase: they answer `Failed`.
    """

    def put(self, key: str, chunks: Iterable[bytes]) -> int:
        """Store a stream and return its length. Nobody ever sees half an object; what ``chunks`` raises leaves none."""

    def read(self, key: str, start: int, length: int) -> bytes:
        """The bytes from ``start``, fewer than ``length`` only at the end. Fetches only these; `ObjectMissing`."""

    def size(self, key: str) -> int:
        """Length in bytes; `ObjectMissing`."""

    def delete(self, key: str) -> Erasure:
        """Remove one object, every version of it, and look again."""

    def delete_many(self, keys: Iterable[str]) -> Mapping[str, Erasure]:
        """`delete` for many at once; the outcome of each."""

    def delete_stored(self, keys: Iterable[str]) -> Mapping[str, Erasure]:
        """`delete_many` for objects that are there, as somebody's record says, at the least cost to the store.

        The store's word counts: `Erased` is what it says to have removed, and whoever calls has to look again by
        `keys`, where whatever is still there shows.
        """

    def keys(self, prefix: str = "", older_than: timedelta = timedelta.min) -> Iterator[str]:
        """The keys of all objects that begin with ``prefix`` and were put that long ago or longer, in order."""

    def discard_unfinished(self, older_than: timedelta) -> int:
        """Remove what killed writers left behind, if it is older than that; returns how many remains."""


def check_key(key: str) -> str:
    """The key, if it has the shape of one."""
    if len(key) > _LONGEST or not _KEY.fullmatch(key):
        raise ValueError("this is no object key")
    return key


def check_prefix(prefix: str) -> str:
    """The prefix, if keys can begin with it."""
    if len(prefix) > _LONGEST or not _PREFIX.fullmatch(prefix):
        raise ValueError("this is no prefix of object keys")
    return prefix

"""The key store: one key for each account, kept outside the database. No other module knows how anything is sealed.

A root key (a file here; a KMS's Aead behind the same parameter) wraps 64 bucket keys, and a bucket key wraps the
keys of its accounts, one small file each (`key_folder`).

Destroying an account's key removes its file, and every process forgets it within a second. Copies of the folder made
before stay readable until the bucket is rotated: then they hold entries whose bucket key exists nowhere else.
"""

import contextlib
import errno
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import tink
from tink import aead, prf, proto_keyset_format, secret_key_access

from cluster import clock
from cluster.storage import files
from cluster.storage.erasure import Absent, Erased, Erasure, Failed
from cluster.storage.errors import KeyMissing, KeyStoreUnavailable, SealBroken
from cluster.storage.key_folder import BUCKETS, KeyFolder
from cluster.storage.openings import Opening
from cluster.storage.segments import Aead

__all__ = ["BUCKETS", "REMEMBER_SECONDS", "KeyStore"]

REMEMBER_SECONDS: Final = 0.8
LOOKUP_BYTES: Final = 32

_PURPOSE = re.compile(r"[a-z0-9_.-]+")
_READS_DURING_A_ROTATION: Final = 3

aead.register()
prf.register()


class _Key:
    """A Tink keyset as an Aead that raises our error; its bytes can be wrapped by another."""

    def __init__(self, handle: Any) -> None:
        self._handle = handle
        self._primitive = handle.primitive(aead.Aead)

    @classmethod
    def fresh(cls) -> "_Key":
        return cls(tink.new_keyset_handle(aead.aead_key_templates.AES256_GCM))

    @classmethod
    def unwrap(cls, wrapped: bytes, under: Aead, context: str) -> "_Key":
        return cls(_open_handle(wrapped, under, context))

    def wrap(self, under: Aead, context: str) -> bytes:
        return _seal_handle(self._handle, under, context)

    def encrypt(self, plaintext: bytes, associated_data: bytes) -> bytes:
        return bytes(self._primitive.encrypt(plaintext, associated_data))

    def decrypt(self, ciphertext: bytes, associated_data: bytes) -> bytes:
        try:
            return bytes(self._primitive.decrypt(ciphertext, associated_data))
        except tink.TinkError:
            raise SealBroken("sealed bytes do not open") from None


def _seal_handle(handle: Any, under: Aead, context: str) -> bytes:
    return bytes(proto_keyset_format.serialize_encrypted(handle, under, context.encode()))


def _open_handle(wrapped: bytes, under: Aead, context: str) -> Any:
    try:
        return proto_keyset_format.parse_encrypted(wrapped, under, context.encode())
    except tink.TinkError:
        raise SealBroken("a wrapped key does not open") from None


@contextlib.contextmanager
def _available() -> Iterator[None]:
    """Whatever keeps the store's own files from being used means that there is no store."""
    try:
        yield
    except (OSError, SealBroken, tink.TinkError) as error:
        raise KeyStoreUnavailable from error


class KeyStore:
    """Keys of accounts, and what is sealed with them. Safe for threads, and for several processes on one folder.

    An account's methods raise `KeyMissing` when its key was destroyed or never made, and `KeyStoreUnavailable` when
    the store itself is not there. Sealing takes an account's id, opening an `Opening`. ``context`` says what the sealed
    bytes are ("jobs.prompt|job_…") and must be the same when opening; it is not secret and not stored.
    """

    def __init__(self, folder: Path, root: Aead | None = None) -> None:
        """Open the store, or make it where there is none.

        Args:
            folder: where the wrapped keys lie.
            root: what wraps the bucket keys; without it a keyset in the folder.
        """
        self._lock = threading.Lock()
        self._accounts: dict[str, tuple[float, _Key]] = {}
        self._buckets: dict[Path, tuple[tuple[int, int], _Key]] = {}
        with _available():
            self._folder = KeyFolder(folder)
            with files.locked(self._folder.lock):
                self._root = root or self._local_root()
                self._prf = self._lookup_key()

    def create(self, account_id: str) -> None:
        """Make the account's key. A second call leaves the first key as it is."""
        entry = self._folder.entry(account_id)
        self._folder.require_present()
        with _available(), self._folder.locked(entry.parent):
            if not entry.exists():
                key = self._bucket_key(entry.parent) or self._new_bucket_key(entry.parent / ".key")
                files.write_atomic(entry, [_Key.fresh().wrap(key, account_id)])

    def destroy(self, account_id: str) -> Erasure:
        """Erase the account's key: what it sealed is unreadable here at once, in other processes within a second."""
        entry = self._folder.entry(account_id)
        try:
            self._folder.require_present()
            if not entry.parent.is_dir():
                return Absent()
            with self._folder.locked(entry.parent):
                files.remove(entry)
        except FileNotFoundError:
            return Absent()
        except KeyStoreUnavailable:
            return Failed("key_store_unavailable")
        except OSError as error:
            return Failed(errno.errorcode.get(error.errno or 0, "os_error"))
        finally:
            with self._lock:
                self._accounts.pop(account_id, None)
        return Erased()

    def exists(self, account_id: str) -> bool:
        """Whether the account has a key at this moment."""
        self._folder.require_present()
        return self._folder.entry(account_id).exists()

    def accounts(self) -> Iterator[str]:
        """All accounts that have a key, for comparing them with the rows."""
        self._folder.require_present()
        for number in range(BUCKETS):
            yield from (entry.name for entry in self._folder.entries(self._folder.bucket(number)))

    def seal(self, account_id: str, plaintext: bytes, context: str) -> bytes:
        """Seal a few bytes, such as a column's value."""
        return self._key(account_id).encrypt(plaintext, context.encode())

    def open(self, opening: Opening, sealed: bytes, context: str) -> bytes:
        """Open what `seal` made; `SealBroken` if it is another account's, another context's, or altered."""
        return self._key(opening.account_id).decrypt(sealed, context.encode())

    def seal_text(self, account_id: str, text: str, context: str) -> bytes:
        """`seal` for text."""
        return self.seal(account_id, text.encode(), context)

    def open_text(self, opening: Opening, sealed: bytes, context: str) -> str:
        """`open` for text."""
        return self.open(opening, sealed, context).decode()

    def data_key(self, account_id: str, context: str) -> tuple[Aead, bytes]:
        """A fresh key for one large object, and the same key wrapped under the account's, to be stored beside it."""
        key = _Key.fresh()
        return key, key.wrap(self._key(account_id), context)

    def unwrap(self, opening: Opening, wrapped: bytes, context: str) -> Aead:
        """The key that `data_key` wrapped; `SealBroken` under another account or context."""
        return _Key.unwrap(wrapped, self._key(opening.account_id), context)

    def lookup(self, purpose: str, value: bytes | str) -> bytes:
        """A keyed hash of 32 bytes to find or compare ``value`` by; another purpose gives unrelated hashes."""
        if not _PURPOSE.fullmatch(purpose):
            raise ValueError("a purpose is lower-case letters, digits, '_', '.' and '-'")
        data = value.encode() if isinstance(value, str) else value
        return bytes(self._prf.compute(purpose.encode() + b"|" + data, LOOKUP_BYTES))

    def rotate_bucket(self, number: int) -> int:
        """Wrap every entry of a bucket under a fresh key and destroy the old one; returns how many entries there are.

        Copies of the folder made before can then open nothing that was destroyed before, provided that the root key
        was not copied with them, or that the old bucket key was not. A rotation that was killed is finished first.
        """
        bucket = self._folder.bucket(number)
        self._folder.require_present()
        if not bucket.is_dir():
            return 0
        with _available(), self._folder.locked(bucket):
            if (bucket / ".next").exists():
                self._rewrap(bucket)
            self._new_bucket_key(bucket / ".next")
            return self._rewrap(bucket)

    def _rewrap(self, bucket: Path) -> int:
        """Each entry opens under the old or the next key at every moment, so that this can be killed and repeated."""
        old, new = self._read_bucket_key(bucket / ".key"), self._read_bucket_key(bucket / ".next")
        entries = self._folder.entries(bucket)
        for entry in entries:
            wrapped = entry.read_bytes()
            try:
                key = _Key.unwrap(wrapped, old, entry.name)
            except SealBroken:
                _Key.unwrap(wrapped, new, entry.name)
            else:
                files.write_atomic(entry, [key.wrap(new, entry.name)])
        files.remove(bucket / ".key", replacement=bucket / ".next")
        return len(entries)

    def _key(self, account_id: str) -> _Key:
        with self._lock:
            at, key = self._accounts.get(account_id, (0.0, None))
        if key is not None and clock.monotonic() - at < REMEMBER_SECONDS:
            return key
        began = clock.monotonic()
        key = self._read_entry(account_id)
        with self._lock:
            fresh = {name: held for name, held in self._accounts.items() if began - held[0] < REMEMBER_SECONDS}
            self._accounts = fresh | {account_id: (began, key)}
        return key

    def _read_entry(self, account_id: str) -> _Key:
        entry = self._folder.entry(account_id)
        with _available():
            for _ in range(_READS_DURING_A_ROTATION):
                try:
                    wrapped = entry.read_bytes()
                except FileNotFoundError:
                    self._folder.require_present()
                    raise KeyMissing from None
                for name in (".key", ".next"):
                    with contextlib.suppress(SealBroken, FileNotFoundError):
                        return _Key.unwrap(wrapped, self._read_bucket_key(entry.parent / name), account_id)
        raise KeyStoreUnavailable

    def _bucket_key(self, bucket: Path) -> _Key | None:
        """The key that new entries are wrapped with; none only in a bucket that was never used."""
        if (bucket / ".key").exists():
            return self._read_bucket_key(bucket / ".key")
        if self._folder.entries(bucket):
            raise KeyStoreUnavailable
        return None

    def _read_bucket_key(self, file: Path) -> _Key:
        status = file.stat()
        identity = (status.st_ino, status.st_mtime_ns)
        known, key = self._buckets.get(file, (None, None))
        if key is None or known != identity:
            key = _Key.unwrap(file.read_bytes(), self._root, f"bucket|{file.parent.name}")
            self._buckets[file] = (identity, key)
        return key

    def _new_bucket_key(self, file: Path) -> _Key:
        key = _Key.fresh()
        files.write_atomic(file, [key.wrap(self._root, f"bucket|{file.parent.name}")])
        return key

    def _local_root(self) -> Aead:
        file = self._folder.root
        if not file.exists():
            self._folder.refuse_to_replace()
            handle = tink.new_keyset_handle(aead.aead_key_templates.AES256_GCM)
            files.write_atomic(file, [proto_keyset_format.serialize(handle, secret_key_access.TOKEN)])
        return _Key(proto_keyset_format.parse(file.read_bytes(), secret_key_access.TOKEN))

    def _lookup_key(self) -> Any:
        file = self._folder.lookup
        if not file.exists():
            self._folder.refuse_to_replace()
            handle = tink.new_keyset_handle(prf.prf_key_templates.HMAC_SHA256)
            files.write_atomic(file, [_seal_handle(handle, self._root, "lookup")])
        return _open_handle(file.read_bytes(), self._root, "lookup").primitive(prf.PrfSet).primary()

"""Where the wrapped keys lie, and what a folder of them may look like. Knows files, not cryptography.

root.keyset  lookup.keyset  buckets/07/.key  buckets/07/.next  buckets/07/account_01k…
"""

import contextlib
import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from cluster.storage import files
from cluster.storage.errors import KeyStoreUnavailable

__all__ = ["BUCKETS", "KeyFolder"]

BUCKETS: Final = 64
_ACCOUNT: Final = re.compile(r"[a-z]+_[0-9a-z]{1,64}")


class KeyFolder:
    """A folder of wrapped keys, made where there is none, of mode 0700."""

    def __init__(self, path: Path) -> None:
        """Make the folder; what it holds is made by the key store."""
        files.private_folder(path).chmod(0o700)
        self._buckets = path / "buckets"
        self.root = path / "root.keyset"
        self.lookup = path / "lookup.keyset"
        self.lock = path / ".lock"

    def entry(self, account_id: str) -> Path:
        """The file of an account's key."""
        if not _ACCOUNT.fullmatch(account_id):
            raise ValueError("this is no account's id")
        return self.bucket(hashlib.sha256(account_id.encode()).digest()[0] % BUCKETS) / account_id

    def bucket(self, number: int) -> Path:
        """The folder of a bucket; it may not exist yet."""
        if not 0 <= number < BUCKETS:
            raise ValueError("there is no such bucket")
        return self._buckets / f"{number:02x}"

    def entries(self, bucket: Path) -> list[Path]:
        """The files of all accounts' keys in a bucket."""
        found = bucket.iterdir() if bucket.is_dir() else ()
        return sorted(file for file in found if _ACCOUNT.fullmatch(file.name))

    @contextlib.contextmanager
    def locked(self, bucket: Path) -> Iterator[None]:
        """Keep other writers of a bucket out; makes it where there is none."""
        with files.locked(files.private_folder(bucket) / ".lock"):
            yield

    def require_present(self) -> None:
        """A folder that is gone (not mounted, removed) must not look like a store without keys."""
        if not self.lookup.is_file():
            raise KeyStoreUnavailable

    def refuse_to_replace(self) -> None:
        """A lost key is never replaced by a fresh one: what it sealed would look broken for good."""
        if self.lookup.exists() or self._buckets.exists():
            raise KeyStoreUnavailable

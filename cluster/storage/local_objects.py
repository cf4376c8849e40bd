"""Objects in a folder of this host: files of mode 0600 in folders of mode 0700."""

import contextlib
import errno
import os
from collections.abc import Iterable, Iterator
from datetime import timedelta
from pathlib import Path

from cluster import clock
from cluster.storage import files
from cluster.storage.erasure import Absent, Erased, Erasure, Failed
from cluster.storage.errors import ObjectMissing, ObjectStoreUnavailable
from cluster.storage.object_store import check_key, check_prefix

__all__ = ["LocalObjects"]


class LocalObjects:
    """An `ObjectStore` whose keys are paths below one folder."""

    def __init__(self, folder: Path) -> None:
        """Make the folder where there is none."""
        self._folder = folder
        with self._answering():
            files.private_folder(folder)

    def put(self, key: str, chunks: Iterable[bytes]) -> int:
        """See `ObjectStore.put`. What ``chunks`` raises passes through as it is."""
        raised: list[BaseException] = []

        def watched() -> Iterator[bytes]:
            try:
                yield from chunks
            except BaseException as error:
                raised.append(error)
                raise

        try:
            return files.write_atomic(self._file(key), watched())
        except OSError as error:
            if error in raised:
                raise
            raise ObjectStoreUnavailable from error

    def read(self, key: str, start: int, length: int) -> bytes:
        """See `ObjectStore.read`."""
        with self._answering(), self._file(key).open("rb") as stream:
            stream.seek(start)
            return stream.read(length)

    def size(self, key: str) -> int:
        """See `ObjectStore.size`."""
        with self._answering():
            return self._file(key).stat().st_size

    def delete(self, key: str) -> Erasure:
        """See `ObjectStore.delete`. Folders that become empty go too: their names may tell of an account."""
        file = self._file(key)
        if not self._folder.is_dir():
            return Failed("object_store_unavailable")
        try:
            file.unlink()
            files.sync_folder(file.parent)
        except FileNotFoundError:
            return Absent()
        except OSError as error:
            return Failed(errno.errorcode.get(error.errno or 0, "os_error"))
        self._prune(file.parent)
        return Erased()

    def delete_many(self, keys: Iterable[str]) -> dict[str, Erasure]:
        """See `ObjectStore.delete_many`."""
        return {key: self.delete(key) for key in keys}

    def delete_stored(self, keys: Iterable[str]) -> dict[str, Erasure]:
        """See `ObjectStore.delete_stored`."""
        return self.delete_many(keys)

    def keys(self, prefix: str = "", older_than: timedelta = timedelta.min) -> Iterator[str]:
        """See `ObjectStore.keys`."""
        below = check_prefix(prefix).rpartition("/")[0]
        old = (file for file in self._files(self._folder / below) if _is_older(file, older_than))
        found = (str(file.relative_to(self._folder)) for file in old)
        yield from sorted(key for key in found if key.startswith(prefix) and files.UNFINISHED not in key)

    def discard_unfinished(self, older_than: timedelta) -> int:
        """See `ObjectStore.discard_unfinished`."""
        oldest = (clock.now() - older_than).timestamp()
        count = 0
        for file in self._files(self._folder):
            if file.name.startswith(files.UNFINISHED):
                with contextlib.suppress(FileNotFoundError):
                    if file.stat().st_mtime < oldest:
                        file.unlink()
                        count += 1
        return count

    def _file(self, key: str) -> Path:
        return self._folder / check_key(key)

    def _files(self, folder: Path) -> Iterator[Path]:
        with self._answering():
            self._folder.stat()
            for place, _, names in os.walk(folder, onerror=_unless_pruned):
                yield from (Path(place, name) for name in names)

    def _prune(self, folder: Path) -> None:
        with contextlib.suppress(OSError):
            while folder != self._folder:
                folder.rmdir()
                folder = folder.parent

    @contextlib.contextmanager
    def _answering(self) -> Iterator[None]:
        """A folder that is gone (not mounted, removed) must not look like a store without objects."""
        try:
            yield
        except OSError as error:
            if isinstance(error, FileNotFoundError) and self._folder.is_dir():
                raise ObjectMissing from None
            raise ObjectStoreUnavailable from error


def _unless_pruned(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):
        raise error


def _is_older(file: Path, than: timedelta) -> bool:
    """Whether it is there and was written that long ago."""
    if than == timedelta.min:
        return True
    try:
        return file.stat().st_mtime <= (clock.now() - than).timestamp()
    except FileNotFoundError:
        return False

"""The model store: a folder of weights, each beside its licence and opened only when its digest is right."""

import hashlib
import tempfile
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from serve.models.progress import OnProgress, watched
from serve.models.sources import retrieve
from serve.models.weights import WeightDigestMismatch, WeightError, WeightMissing, WeightSpec

__all__ = ["ModelStore", "WeightDigestMismatch", "WeightError", "WeightMissing"]


class ModelStore:
    """Safe for several processes at once: files appear whole, by rename, with their licence already there."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path(self, spec: WeightSpec) -> Path:
        """The file, its digest computed once a process.

        Raises:
            WeightMissing: it was never fetched.
            WeightDigestMismatch: it is damaged or not the reviewed one.
        """
        path = self._folder / spec.file_name
        if not path.exists():
            raise WeightMissing(f"{path.name} is not in the model store; `i2v up` fetches it")
        self._check(path, spec)
        return path

    def missing(self, specs: Mapping[str, WeightSpec]) -> list[str]:
        """Names of the weights that `fetch` would have to bring: absent, or with a wrong digest."""
        return [name for name, spec in specs.items() if not self._has(spec)]

    def fetch(self, spec: WeightSpec, on_progress: OnProgress | None = None, workspace: Path | None = None) -> Path:
        """Bring the weights unless they are here already; no network is used if they are.

        `workspace` keeps downloaded packages for further calls; without it a folder of its own is made and removed.

        Raises:
            SourceError: the source could not be read.
            WeightDigestMismatch: what came is not what was asked for; nothing of it is kept.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / spec.file_name
        path.with_suffix(".licence.txt").write_text(_licence(spec), encoding="utf-8")
        if not self._has(spec):
            with tempfile.TemporaryDirectory(prefix=".fetch-", dir=self._folder) as own:
                fresh = Path(own) / spec.file_name
                with watched(workspace or Path(own), spec.size, on_progress):
                    retrieve(spec.parsed_source, fresh, workspace or Path(own))
                self._check(fresh, spec)
                fresh.replace(path)
        if on_progress:
            on_progress(spec.size, spec.size)
        return path

    def _has(self, spec: WeightSpec) -> bool:
        try:
            self.path(spec)
        except WeightError:
            return False
        return True

    @staticmethod
    def _check(path: Path, spec: WeightSpec) -> None:
        stat = path.stat()
        if stat.st_size != spec.size or _digest(path, stat.st_size, stat.st_mtime_ns, stat.st_ino) != spec.sha256:
            raise WeightDigestMismatch(
                f"{path.name} has not the sha256 that the catalogue demands for {spec.source}: it is damaged or was"
                " exchanged; `i2v up` brings it anew"
            )


@lru_cache(maxsize=256)
def _digest(path: Path, _size: int, _mtime_ns: int, _inode: int) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _licence(spec: WeightSpec) -> str:
    facts = f"File: {spec.file_name}\nSource: {spec.source}\nOrigin: {spec.origin}\nSHA-256: {spec.sha256}\n"
    return f"{facts}Licence: {spec.licence}\n\n{spec.licence_text.strip()}\n"

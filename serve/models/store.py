"""The model store: a folder of weight files, each of which is what its digest says."""

import hashlib
import os
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from serve.models.sources import bring
from serve.models.weights import WeightDigestMismatch, WeightMissing, WeightSpec, WeightUnavailable

__all__ = [
    "ModelStore",
    "WeightDigestMismatch",
    "WeightMissing",
    "WeightUnavailable",
    "fetch_all",
    "missing",
]

OnFetched = Callable[[str, WeightSpec], None]


def _ignore(_name: str, _spec: WeightSpec) -> None:
    pass


class ModelStore:
    """Weights under one folder. Files appear whole or not at all, so that several processes may fetch at once."""

    def __init__(self, folder: Path) -> None:
        """Use ``folder``; it is made when the first file is fetched."""
        self._folder = folder
        self._verified: set[Path] = set()

    def path(self, spec: WeightSpec) -> Path:
        """The verified file.

        Raises:
            WeightMissing: it was never fetched.
            WeightDigestMismatch: it is not what its digest says.
        """
        file = self._folder / spec.file_name
        if file not in self._verified:
            if not file.exists():
                raise WeightMissing(f"{spec.file_name} is not in the model store. 'i2v up' fetches it.")
            _verify(file, spec)
            self._verified.add(file)
        return file

    def has(self, spec: WeightSpec) -> bool:
        """Whether the file is there with the right digest."""
        try:
            self.path(spec)
        except (WeightMissing, WeightDigestMismatch):
            return False
        return True

    def fetch(self, spec: WeightSpec) -> Path:
        """The file, brought from its source if it is not there yet; its licence is written beside it.

        Raises:
            WeightUnavailable: it cannot be had.
            WeightDigestMismatch: what came is not what was named; it is thrown away.
        """
        if not self.has(spec):
            self._folder.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=self._folder, prefix=".fetching-")
            os.close(handle)
            fresh = Path(name)
            try:
                bring(spec.source, fresh)
                _verify(fresh, spec)
                fresh.chmod(0o644)
                fresh.replace(self._folder / spec.file_name)
            finally:
                fresh.unlink(missing_ok=True)
        self._write_licence(spec)
        return self.path(spec)

    def _write_licence(self, spec: WeightSpec) -> None:
        text = f"{spec.licence_text}\nSPDX-License-Identifier: {spec.licence}\nOrigin: {spec.origin}\n"
        (self._folder / f"{spec.file_name}.LICENSE").write_text(text, encoding="utf-8")


def fetch_all(specs: Mapping[str, WeightSpec], folder: Path, on_fetched: OnFetched = _ignore) -> None:
    """Fetch what is missing; ``on_fetched`` is called after each file. Errors as in `ModelStore.fetch`."""
    store = ModelStore(folder)
    for name, spec in specs.items():
        store.fetch(spec)
        on_fetched(name, spec)


def missing(specs: Mapping[str, WeightSpec], folder: Path) -> list[str]:
    """The names of the weights that are not there."""
    store = ModelStore(folder)
    return [name for name, spec in specs.items() if not store.has(spec)]


def _verify(file: Path, spec: WeightSpec) -> None:
    with file.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    if digest != spec.sha256:
        raise WeightDigestMismatch(
            f"{spec.file_name} has another digest than configs/models.yaml names. It is not used."
        )

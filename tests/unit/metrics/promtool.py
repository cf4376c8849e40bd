"""Prometheus's own judge of rules: the one on the path, or the one of Debian's package, unpacked into a cache."""

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

__all__ = ["find", "run"]

_PACKAGE = "prometheus"


def find(cache: Path) -> Path:
    """Where `promtool` is. Without it nothing here can be judged, so its absence is a failure."""
    installed = shutil.which("promtool")
    if installed:
        return Path(installed)
    unpacked = cache / "usr" / "bin" / "promtool"
    if not unpacked.exists():
        _unpack(cache)
    return unpacked


def _unpack(cache: Path) -> None:
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        raise AssertionError("promtool is not on the path, and this is no Debian to fetch it for: install Prometheus")
    fetched = run(["apt-get", "download", _PACKAGE], cache)
    if fetched.returncode != 0:
        fetched = _fetch_anew(cache)
    assert fetched.returncode == 0, f"promtool is not on the path, and apt-get fetched no Prometheus: {fetched.stderr}"
    (package,) = cache.glob(f"{_PACKAGE}_*.deb")
    unpacking = run(["dpkg-deb", "--extract", str(package), str(cache)], cache)
    assert unpacking.returncode == 0, unpacking.stderr
    package.unlink()


def _fetch_anew(cache: Path) -> subprocess.CompletedProcess[str]:
    """Fetch with package lists of our own, where the system has none."""
    lists = cache / "lists"
    (lists / "partial").mkdir(parents=True, exist_ok=True)
    own = ["-o", f"Dir::State::lists={lists}", "-o", f"Dir::Cache={cache}"]
    updated = run(["apt-get", *own, "update"], cache)
    return updated if updated.returncode else run(["apt-get", *own, "download", _PACKAGE], cache)


def run(command: Sequence[str | Path], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run to the end in that folder."""
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=120)

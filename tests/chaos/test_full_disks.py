"""The object store refuses, and the disk below store or database is full: real ENOSPC, on small file systems."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

KIB = 1024


@contextmanager
def full(folder: Path) -> Iterator[None]:
    """The folder on a file system of its own, with the same content and no room for anything more."""
    kept = folder.with_name(f"{folder.name}.kept")
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) + 256 * KIB
    folder.rename(kept)
    folder.mkdir(mode=0o700)
    try:
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], check=True)
        try:
            yield
        finally:
            shutil.copytree(folder, kept, dirs_exist_ok=True)
            subprocess.run(["umount", "--lazy", folder], check=True)
    finally:
        folder.rmdir()
        kept.rename(folder)

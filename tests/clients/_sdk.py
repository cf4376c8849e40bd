"""The SDKs, unmodified, each in an environment that has nothing else; made when first asked for, and kept."""

import shutil
import subprocess
import sys
from pathlib import Path

__all__ = ["ROOT", "node", "node_folder_with", "python_with"]

ROOT = Path(__file__).parents[2]
_FOLDER = ROOT / ".venv-clients"


def python_with(version: str) -> Path:
    """The interpreter of an environment that has `openai` in just this version."""
    folder = _FOLDER / f"python-{version}"
    python, ready = folder / "bin" / "python", folder / ".ready"
    if not ready.exists():
        _do(sys.executable, "-m", "venv", "--clear", str(folder))
        _do(str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", f"openai=={version}")
        ready.touch()
    return python


def node() -> str:
    """The interpreter of JavaScript that is installed."""
    found = shutil.which("node")
    assert found, "node and npm are missing: install Node.js 20 or later, on Debian by `apt-get install nodejs npm`"
    return found


def node_folder_with(version: str) -> Path:
    """A folder in which node finds the npm package `openai` in just this version."""
    node()
    folder = _FOLDER / f"node-{version}"
    ready = folder / ".ready"
    if not ready.exists():
        folder.mkdir(parents=True, exist_ok=True)
        _do("npm", "install", "--no-audit", "--no-fund", "--prefix", str(folder), f"openai@{version}")
        ready.touch()
    return folder


def _do(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=500)
    assert done.returncode == 0, f"{' '.join(command)} failed; is a registry within reach?\n{done.stderr}"

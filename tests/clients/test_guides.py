"""Every command and snippet of the quick start and of the guides does what its page says."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.clients._guide import script
from tests.clients._sdk import ROOT, node, python_with
from tests.clients.conftest import User
from tests.cluster.conftest import RunningCluster

DOCS = ROOT / "docs"
PAGES = ["quick-start.md", "guides/consent.md", "guides/webhooks.md", "guides/events.md", "guides/errors.md"]
WRITTEN_URL = "http://127.0.0.1:8000"
PYTHON_SDK = "3.54.0"


@pytest.fixture
def folder(photos: Path, tmp_path: Path) -> Path:
    """Where a reader sits: beside the environment that `make` made, with a photo."""
    shutil.copy(photos / "photo.jpg", tmp_path / "photo.jpg")
    (tmp_path / ".venv").symlink_to(sys.prefix)
    return tmp_path


@pytest.mark.timeout(600)
@pytest.mark.parametrize("page", PAGES)
def test_a_page_runs_from_top_to_bottom(page: str, cluster: RunningCluster, user: User, folder: Path) -> None:
    programs = os.pathsep.join(map(str, (python_with(PYTHON_SDK).parent, Path(node()).parent)))
    path = os.pathsep.join((programs, cluster.environment["PATH"]))
    written = script(DOCS / page).replace(WRITTEN_URL, cluster.url)
    done = subprocess.run(
        ["bash", "-c", written],
        cwd=folder,
        env=cluster.environment | user.environment | {"PATH": path},
        capture_output=True,
        text=True,
        check=False,
        timeout=500,
    )
    assert done.returncode == 0, f"{done.stderr}\n{done.stdout}"


def test_a_block_that_fails_fails_its_page(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("```sh\nexport A=1\n```\n\n```python\nimport os\n\nassert os.environ['A'] == '2'\n```\n")
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    done = subprocess.run(
        ["bash", "-c", script(page)], cwd=tmp_path, env={"PATH": path}, capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert "page.md, line 5" in done.stderr

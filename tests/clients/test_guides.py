"""Every command and snippet of the quick start and of the guides does what its page says."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from tests.clients._guide import script
from tests.clients._sdk import ROOT, node, python_with
from tests.clients.conftest import User
from tests.cluster._installation import Installation
from tests.cluster.conftest import RunningCluster
from tests.fixtures_storage import S3Server

DOCS = ROOT / "docs"
GUIDES = ("consent", "webhooks", "events", "errors", "batches")
PAGES = ["quick-start.md", *(f"guides/{name}.md" for name in GUIDES)]
WRITTEN_URL = "http://127.0.0.1:8000"
PYTHON_SDK = "3.54.0"


@pytest.fixture
def folder(photos: Path, tmp_path: Path) -> Path:
    """Where a reader sits: beside the environment that `make` made, with a photo."""
    shutil.copy(photos / "photo.jpg", tmp_path / "photo.jpg")
    (tmp_path / ".venv").symlink_to(sys.prefix)
    return tmp_path


def run(written: str, folder: Path, environment: dict[str, str]) -> None:
    """Run a page's script to its end."""
    done = subprocess.run(
        ["bash", "-c", written], cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=500
    )
    assert done.returncode == 0, f"{done.stderr}\n{done.stdout}"


@pytest.mark.timeout(600)
@pytest.mark.parametrize("page", PAGES)
def test_a_page_runs_from_top_to_bottom(page: str, cluster: RunningCluster, user: User, folder: Path) -> None:
    programs = os.pathsep.join(map(str, (python_with(PYTHON_SDK).parent, Path(node()).parent)))
    path = os.pathsep.join((programs, cluster.environment["PATH"]))
    written = script(DOCS / page).replace(WRITTEN_URL, cluster.url)
    run(written, folder, cluster.environment | user.environment | {"PATH": path})


def test_a_model_is_added_to_a_checkout(folder: Path) -> None:
    for part in ("serve", "cluster", "configs"):
        shutil.copytree(ROOT / part, folder / part)
    run(script(DOCS / "guides/adding-a-model.md"), folder, dict(os.environ))


@pytest.mark.timeout(600)
def test_a_cluster_goes_to_s3_and_postgresql(database_url: str, s3_server: S3Server, folder: Path) -> None:
    installation = Installation("serve.app:build_app")
    written = script(DOCS / "guides/s3-and-postgresql.md")
    for there, here in (
        ("postgresql://owner:secret@db.example/i2v", database_url),
        ("https://s3.example", s3_server.endpoint),
        ("s3://media", f"s3://{s3_server.bucket}"),
    ):
        assert there in written
        written = written.replace(there, here)
    try:
        run(written, folder, installation.environment)
        assert any(path.is_file() for path in s3_server.folder.rglob("*"))
        assert not installation.paths.objects.exists()
        with psycopg.connect(database_url) as connection:
            assert connection.execute("SELECT state FROM jobs").fetchall() == [("completed",)]
    finally:
        installation.remove()


def test_a_block_that_fails_fails_its_page(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("```sh\nexport A=1\n```\n\n```python\nimport os\n\nassert os.environ['A'] == '2'\n```\n")
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    done = subprocess.run(
        ["bash", "-c", script(page)], cwd=tmp_path, env={"PATH": path}, capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert "page.md, line 5" in done.stderr

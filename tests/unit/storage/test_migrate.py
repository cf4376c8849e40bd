"""Migrations: repeatable, one at a time when several processes start at once, all or nothing."""

import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import Column, Integer, MetaData, Table

from cluster.storage import migrate
from tests.fixtures_storage import assert_migrations_match

REVISION = '''
"""A revision."""

import sqlalchemy as sa
from alembic import op

revision = "{0}"
down_revision = {1}


def upgrade():
    op.create_table("t{0}", sa.Column("id", sa.Integer, primary_key=True))
    op.execute("SELECT pg_sleep(0.3)")
    {2}
'''


@pytest.fixture
def scripts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Our environment with two revisions of the test's own."""
    (tmp_path / "versions").mkdir()
    (tmp_path / "env.py").write_text((migrate.SCRIPTS / "env.py").read_text())
    (tmp_path / "versions" / "0001.py").write_text(REVISION.format("0001", None, ""))
    (tmp_path / "versions" / "0002.py").write_text(REVISION.format("0002", '"0001"', ""))
    monkeypatch.setattr(migrate, "SCRIPTS", tmp_path)
    return tmp_path


def tables(url: str) -> set[str]:
    with psycopg.connect(url) as connection:
        found = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
    return {name for (name,) in found}


def test_upgrading_is_repeatable(scripts: Path, database_url: str) -> None:
    migrate.upgrade(database_url)
    migrate.upgrade(database_url)
    assert tables(database_url) == {"alembic_version", "t0001", "t0002"}


def test_a_failing_revision_leaves_nothing_of_those_before_it(scripts: Path, database_url: str) -> None:
    (scripts / "versions" / "0002.py").write_text(REVISION.format("0002", '"0001"', "raise KeyError"))
    with pytest.raises(KeyError):
        migrate.upgrade(database_url)
    assert tables(database_url) == set()


def test_several_processes_may_upgrade_at_once(scripts: Path, database_url: str) -> None:
    program = "import sys, pathlib; from cluster.storage import migrate; migrate.SCRIPTS = pathlib.Path(sys.argv[1]); "
    command = [sys.executable, "-c", program + "migrate.upgrade(sys.argv[2])", str(scripts), database_url]
    started = [subprocess.Popen(command) for _ in range(3)]
    assert [process.wait() for process in started] == [0, 0, 0]
    assert tables(database_url) == {"alembic_version", "t0001", "t0002"}


def test_a_difference_between_migrations_and_tables_is_found(scripts: Path, database_url: str) -> None:
    migrate.upgrade(database_url)
    tables_in_python = MetaData()
    for name in ("t0001", "t0002"):
        Table(name, tables_in_python, Column("id", Integer, primary_key=True))
    assert_migrations_match(database_url, tables_in_python)
    Table("t0003", tables_in_python, Column("id", Integer, primary_key=True))
    with pytest.raises(AssertionError, match="t0003"):
        assert_migrations_match(database_url, tables_in_python)


def test_our_revisions_are_one_line() -> None:
    assert len(ScriptDirectory(str(migrate.SCRIPTS)).get_heads()) <= 1

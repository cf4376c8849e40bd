"""Each process enters the database as the role that it works as; the owner's credential reaches no process of Ray's."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Connection, text

from cluster import runtime
from cluster.errors import Unavailable
from cluster.runtime import connections, layout
from cluster.runtime.database import DatabaseService
from cluster.settings import Settings, configs_folder, read
from cluster.storage import credentials
from cluster.storage.privileges import DatabaseRole
from serve.resources import StageResources, WebResources, for_stage


@pytest.fixture(scope="module")
def started() -> Iterator[Settings]:
    """The settings of an installation whose database part has started, as `i2v up` starts it."""
    folder = Path(tempfile.mkdtemp(prefix="i2v-", dir="/tmp"))
    settings = read(configs_folder(), {"I2V_DATA_FOLDER": str(folder)})
    layout.make(layout.paths(settings))
    service = DatabaseService(settings)
    service.start()
    yield settings
    service.stop()
    shutil.rmtree(folder)
    shutil.rmtree(layout.paths(settings).sockets)


def session_user(connection: Connection) -> str:
    return str(connection.execute(text("SELECT session_user")).scalar_one())


@pytest.mark.parametrize("role", DatabaseRole)
def test_every_role_enters_after_the_start(started: Settings, role: DatabaseRole) -> None:
    with psycopg.connect(runtime.database_url(started, role)) as connection:
        assert connection.execute("SELECT session_user").fetchone() == (role.value,)


def test_the_database_starts_again_with_the_same_passwords(started: Settings) -> None:
    before = [runtime.database_url(started, role) for role in DatabaseRole]
    service = DatabaseService(started)
    service.stop()
    service.start()
    assert service.works()
    assert [runtime.database_url(started, role) for role in DatabaseRole] == before
    psycopg.connect(before[0]).close()


def test_no_password_is_in_the_environment_or_outside_its_own_file(started: Settings) -> None:
    where = runtime.paths(started)
    for role in DatabaseRole:
        password = credentials.password(where.credentials, role)
        assert all(password not in value for value in runtime.environment(started).values())
        files = [file for file in where.data.rglob("*") if file.is_file() and password.encode() in file.read_bytes()]
        assert files == [where.credentials / role]


def test_of_an_owners_url_the_setting_alone_knows_the_password(tmp_path: Path) -> None:
    url = "postgresql://owner:secret@db.example/i2v"
    settings = read(configs_folder(), {"I2V_DATA_FOLDER": str(tmp_path), "I2V_DATABASE_URL": url})
    where = runtime.paths(settings)
    connections.remember(where, url)
    assert where.database_url.read_text() == "postgresql://db.example/i2v"
    assert runtime.owner_url(settings) == url
    assert "secret" not in "".join(runtime.environment(settings).values())


def test_the_url_is_the_same_with_the_setting_and_without_it(tmp_path: Path) -> None:
    """The supervisor has the setting; replicas have what it noted."""
    url = "postgresql://owner:secret@db.example:6432/i2v?sslmode=require"
    folder = {"I2V_DATA_FOLDER": str(tmp_path)}
    with_setting, without = read(configs_folder(), folder | {"I2V_DATABASE_URL": url}), read(configs_folder(), folder)
    where = runtime.paths(without)
    credentials.password(where.credentials, DatabaseRole.OUTBOUND)
    connections.remember(where, url)
    urls = {runtime.database_url(each, DatabaseRole.OUTBOUND) for each in (with_setting, without)}
    assert len(urls) == 1
    assert urls.pop().startswith("postgresql://i2v_outbound:")


def test_before_the_first_start_it_says_so(tmp_path: Path) -> None:
    settings = read(configs_folder(), {"I2V_DATA_FOLDER": str(tmp_path)})
    with pytest.raises(Unavailable) as refused:
        runtime.database_url(settings, DatabaseRole.APP)
    assert refused.value.code == "database_not_started"


def test_stages_and_the_ingress_open_it_as_the_application(
    stage_resources: StageResources, web_resources: WebResources
) -> None:
    assert stage_resources.database.run(session_user) == DatabaseRole.APP
    assert web_resources.database._engine.url.username == DatabaseRole.APP


@pytest.mark.parametrize("role", DatabaseRole)
def test_a_deployment_may_open_it_as_another_role(settings: Settings, role: DatabaseRole) -> None:
    opened = for_stage(settings, "test", role)
    assert opened.database.run(session_user) == role
    opened.database.close()

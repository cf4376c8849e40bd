"""The HTTP application and its stages in this process, over a database and a data folder of the test's own."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from cluster.privacy.notices import read_folder
from cluster.settings import Settings, configs_folder, read
from serve.ingress.api import create_api
from serve.ingress.door import Door
from serve.ingress.services import Services, published_terms
from serve.ingress.watch import Watch
from serve.resources import StageResources, WebResources, for_stage, for_web
from tests.api import Api, Person, catalogue
from tests.world import SHARE, World, notice_for


@pytest.fixture
def settings(fresh_url: str, credentials_folder: Path, tmp_path: Path) -> Settings:
    """The laptop's settings over the test's own places. What is opened with them enters the database as its role."""
    (tmp_path / "credentials").symlink_to(credentials_folder)
    return read(configs_folder(), {"I2V_DATA_FOLDER": str(tmp_path), "I2V_DATABASE_URL": fresh_url})


@pytest.fixture
def stage_resources(settings: Settings) -> Iterator[StageResources]:
    """What a stage replica holds open."""
    opened = for_stage(settings, "test-stage")
    yield opened
    opened.database.close()


@pytest.fixture
def web_resources(settings: Settings) -> WebResources:
    """What an ingress replica holds open; whoever uses it closes it on its own loop."""
    return for_web(settings, "test-web")


@pytest.fixture
def services(web_resources: WebResources, world: World) -> Services:
    """The resources of an ingress with our notices and one for sharing, published."""
    notices = read_folder(configs_folder() / "notices") | {SHARE: notice_for(SHARE)}
    world.publish(*notices.values())
    return Services(
        web_resources,
        catalogue(),
        notices,
        lambda: None,
        door=Door(web_resources.database, web_resources.keys),
        watch=Watch(web_resources.database),
        terms=published_terms(),
    )


@pytest.fixture(scope="session")
def applications() -> list[FastAPI]:
    """The one application of the session, once somebody has built it: its routes take a while to prepare."""
    return []


@pytest.fixture
def api(
    services: Services, stage_resources: StageResources, world: World, applications: list[FastAPI]
) -> Iterator[Api]:
    """The application; whatever the test did, rows and objects must agree and credits balance afterwards."""
    if not applications:
        applications.append(create_api(services))
    applications[0].state.services = services
    with TestClient(applications[0], client=("192.0.2.7", 50_000)) as client:
        opened = Api(client, services, stage_resources, world)
        yield opened
        opened.assert_sound()
        opened.await_(services.resources.database.close)


@pytest.fixture
def person(api: Api) -> Person:
    """Somebody with an account."""
    return api.person()

"""The HTTP application and its stages in this process, over a database and a data folder of the test's own."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from cluster.privacy import policy, recipients
from cluster.privacy.notices import read_folder
from cluster.settings import Settings, configs_folder, read
from cluster.storage.privileges import DatabaseRole
from serve.egress.fetching import FetchChannel
from serve.egress.webhooks import WebhookChannel
from serve.ingress.admission import Rooms
from serve.ingress.api import create_api
from serve.ingress.door import Door
from serve.ingress.hub import Hub
from serve.ingress.looks import Looks
from serve.ingress.services import OutboundCalls, Services, published_terms
from serve.ingress.stream_leases import StreamLeases
from serve.ingress.watch import Watch
from serve.outbound import channels
from serve.resources import StageResources, WebResources, for_stage, for_web
from tests.api import Api, Person, catalogue
from tests.outside import Names, Outside, outside, rules
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
def names() -> Names:
    """What names stand for outside."""
    return Names()


@pytest.fixture
def host() -> Iterator[Outside]:
    """A host outside that may be reached."""
    with outside() as opened:
        yield opened


@pytest.fixture
def outbound_resources(settings: Settings) -> WebResources:
    """The resources of the way out, which enters the database as a role of its own."""
    return for_web(settings, "outbound", DatabaseRole.OUTBOUND)


@pytest.fixture
def way_out(outbound_resources: WebResources, names: Names) -> tuple[FetchChannel, WebhookChannel]:
    """The channels as the deployment has them, over the outside of the tests."""
    return channels(outbound_resources, rules(names))


@pytest.fixture
def services(web_resources: WebResources, world: World, way_out: tuple[FetchChannel, WebhookChannel]) -> Services:
    """The resources of an ingress with our notices and one for sharing, published."""
    notices = read_folder(configs_folder() / "notices") | {SHARE: notice_for(SHARE)}
    world.publish(*notices.values())
    photos, events = way_out
    return Services(
        web_resources,
        catalogue(),
        notices,
        lambda: None,
        outbound=OutboundCalls(photos.fetch, events.check_endpoint, events.send_sample),
        door=Door(web_resources.database, web_resources.keys, web_resources.settings.admission),
        watch=Watch(web_resources.database),
        hub=Hub(web_resources.database),
        looks=Looks(web_resources.database),
        rooms=Rooms(web_resources.settings.admission),
        streams=StreamLeases(web_resources.database),
        terms=published_terms(),
        policy=policy.published(web_resources.settings),
        register=recipients.load(web_resources.settings),
    )


@pytest.fixture(scope="session")
def applications() -> list[FastAPI]:
    """The one application of the session, once somebody has built it: its routes take a while to prepare."""
    return []


@pytest.fixture
def api(
    services: Services,
    stage_resources: StageResources,
    outbound_resources: WebResources,
    world: World,
    applications: list[FastAPI],
) -> Iterator[Api]:
    """The application; whatever the test did, rows and objects must agree and credits balance afterwards."""
    if not applications:
        applications.append(create_api(services))
    applications[0].state.services = services
    try:
        with TestClient(applications[0], client=("192.0.2.7", 50_000)) as client:
            opened = Api(client, services, stage_resources, world)
            yield opened
            opened.assert_sound()
            opened.await_(opened.services.streams.settle)
    finally:
        for resources in (services.resources, outbound_resources):
            asyncio.run(resources.database.close())


@pytest.fixture
def person(api: Api) -> Person:
    """Somebody with an account."""
    return api.person()

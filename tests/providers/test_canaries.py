"""Nothing that names or shows who somebody is reaches a third party: not by any adapter, not under any fault."""

import io
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from PIL import Image, PngImagePlugin

from cluster import clock
from cluster.privacy.share_notices import share_notices
from cluster.records import lifecycle
from cluster.records.job_states import Stage
from serve.catalogue import read
from serve.egress.recipients import RecipientChannel
from serve.ingestion import Ingestion
from serve.stage import Work, perform
from tests.api import CONSUMED, Api, Person
from tests.emulators.script import Endpoint, Fault
from tests.fixtures_recipients import Uses
from tests.handing_over import MODELS, HandingOver, used
from tests.recipients import register
from tests.wiretap import Leak, leaks

RECIPIENTS = ("bedrock", "kling", "openai_videos", "veo", "wan")
NAME, EMAIL, COMPANY = "Zoë Canarywood", "zoe.canarywood@nest-7431.example", "Canary Nesting 5518 GmbH"
CARD, AGENT, ADDRESS, FILE = (
    "4929 7431 5518 0966",
    "CanaryBrowser/74.31.5518",
    "192.0.2.143",
    "IMG_canary_5518_7431.jpg",
)
CREATOR, PLACE = "Creator Canary 9917", (52.374031, 4.889689)
"""What the photo says of who made it, and where."""
FAULTS = [
    *((Endpoint.CREATE, fault) for fault in Fault if fault not in (Fault.SLOW, Fault.OVERSIZED_VIDEO)),
    *((Endpoint.POLL, fault) for fault in (Fault.SERVER_ERROR, Fault.RATE_LIMITED, Fault.RUBBISH, Fault.BAD_GATEWAY)),
    *((Endpoint.RESULT, fault) for fault in (Fault.SERVER_ERROR, Fault.DROP_BEFORE)),
]


@pytest.fixture(params=RECIPIENTS)
def upstream(request: pytest.FixtureRequest, uses: Uses) -> HandingOver:
    found = uses(request.param)
    until = clock.now().date() + timedelta(days=200)
    found.register = register(used(request.param, found.server.url, until=until))
    return found


def photo() -> bytes:
    """A photo that tells of its maker in EXIF, GPS, XMP and a comment."""
    image = Image.radial_gradient("L").resize((720, 480)).convert("RGB")
    exif = Image.Exif()
    exif[0x013B], exif[0x010E], exif[0x0131] = CREATOR, f"by {NAME}", AGENT
    exif.get_ifd(0x8825)[2] = (52.0, 22.0, 26.5116)
    exif.get_ifd(0x8825)[1] = "N"
    stream = io.BytesIO()
    xmp = f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><dc:creator>{CREATOR}</dc:creator></x:xmpmeta>'.encode()
    image.save(stream, "JPEG", exif=exif, xmp=xmp, comment=FILE.encode())
    return stream.getvalue()


def sign_up(api: Api, upstream: HandingOver) -> Person:
    """Somebody of whom everything is a canary, and who has agreed."""
    notices = {**api.services.notices, **share_notices(upstream.register)}
    api.use(register=upstream.register, catalogue=read(upstream.register), notices=notices)
    api.world.publish(*notices.values())
    api.client.headers["user-agent"] = AGENT
    client = api.at(ADDRESS)
    client.headers["user-agent"] = AGENT
    made = client.post("/v1/accounts", json={"name": NAME, "email": EMAIL, "company": COMPANY}).json()
    person = Person(client, made["account_id"], made["api_key"])
    version = notices[upstream.share].version
    body = {"purpose": upstream.share, "notice_version": version, "granted": True}
    assert person.login().post("/v1/consents", json=body).status_code == 201
    return person


def order(api: Api, person: Person, upstream: HandingOver) -> str:
    """A video of a third party's model, whose photo was taken in by the real ingestion."""
    data = {"model": MODELS[upstream.recipient], "prompt": "slow waves", "people_agree": "true", "subject": CARD}
    made = person.post("/v1/videos", data=data, files={"input_reference": (FILE, photo(), "image/jpeg")})
    assert made.status_code == 200, made.text
    ingest: Callable[..., Any] = Ingestion.__new__(Ingestion).work
    work: dict[Stage, Work] = {Stage.INGESTION: ingest, Stage.INPUT_SCREENING: lambda _: {}}
    for stage, does in work.items():
        (lease,) = api.stages.database.run(lifecycle.claim, {stage: 9}, "director")
        perform(api.stages, lease, does, consumed=CONSUMED.get(stage, ()))
    return str(made.json()["id"])


def secrets(person: Person, job_ids: list[str]) -> dict[str, str]:
    """All that must not be received, by what it is."""
    parts = {f"name {number}": part for number, part in enumerate(NAME.split()) if len(part) > 3}
    known = {"name": NAME, "email": EMAIL, "company": COMPANY, "card": CARD, "agent": AGENT, "address": ADDRESS}
    ids = {f"job {number}": job_id for number, job_id in enumerate(job_ids)}
    told = {"file": FILE, "creator": CREATOR, "account": person.account_id, "key": person.key}
    return known | parts | told | ids


def found(upstream: HandingOver, person: Person, job_ids: list[str]) -> set[Leak]:
    places = {f"place {number}": value for number, value in enumerate(PLACE)}
    record = upstream.server.record
    return leaks([record.all_bytes(), *map(bytes, record.bodies)], secrets(person, job_ids), places)


@pytest.mark.promise("P46", "P47", "P49", "P50", "P51", "P52")
def test_no_canary_is_received_under_any_fault(api: Api, upstream: HandingOver) -> None:
    person = sign_up(api, upstream)
    channel: RecipientChannel = upstream.channel()
    job_ids = []
    for endpoint, fault in [(Endpoint.CREATE, None), *FAULTS]:
        if fault is not None:
            upstream.emulator.script.add(endpoint, fault, amount=1)
        job_ids.append(order(api, person, upstream))
        api.await_(upstream.go_on, channel, lambda: upstream.submission(job_ids[-1]).ended)
        upstream.emulator.script.clear()
        api.world.sql("DELETE FROM breakers")
        person.post(f"/v1/videos/{job_ids[-1]}/cancel")
        assert upstream.emulator.tasks.paid <= len(job_ids)
    assert upstream.emulator.tasks.paid > len(FAULTS) / 3
    assert found(upstream, person, job_ids) == set()
    ids = {line.submission_id for line in upstream.lines()}
    assert len(ids) == len(
        {upstream.submission(job_id).id for job_id in job_ids if upstream.submission(job_id).sent_at}
    )


@pytest.mark.promise("P46")
def test_the_search_of_what_was_received_finds_what_is_planted(api: Api, upstream: HandingOver) -> None:
    """The very same search, over a payload into which somebody's name and place have slipped."""
    person = sign_up(api, upstream)
    job_id = order(api, person, upstream)
    api.await_(upstream.go_on, upstream.channel(), lambda: upstream.submission(job_id).ended)
    sent = bytes(upstream.server.record.bodies[0])
    stream = io.BytesIO()
    text = PngImagePlugin.PngInfo()
    text.add_text("Author", NAME, zip=True)
    Image.new("RGB", (8, 8)).save(stream, "PNG", pnginfo=text)
    planted = json.dumps({"photo": stream.getvalue().hex(), "at": PLACE[0]}).encode()
    every = leaks([sent, planted], secrets(person, [job_id]), {"place 0": PLACE[0]})
    assert {leak.canary for leak in every} == {"name", "name 1", "place 0"}

"""Of a photo only its pixels are kept, and only the one photo that was chosen is taken."""

from collections.abc import Callable

import pytest
from PIL import Image

from cluster.privacy.media_kinds import MediaKind
from cluster.records import media
from cluster.records.job_states import Stage
from serve.ingestion import Ingestion
from tests.api import PHOTO, WORK, Api, Person
from tests.unit.media.test_clean import PIXEL_SEGMENTS, PLANTED, RAW, segments

UNKEPT = {MediaKind.UPLOAD, MediaKind.FILE, MediaKind.RECEIVED}
"""What a finished video of ours has none of."""

KINDS = [place for place in PLANTED if not place.startswith("GIF")]


@pytest.mark.promise("P110")
@pytest.mark.parametrize("place", KINDS)
def test_no_metadata_of_a_photo_is_stored(api: Api, person: Person, place: str) -> None:
    photo = PLANTED[place](Image.linear_gradient("L").resize((320, 240)).convert("RGB"))
    assert RAW in photo
    made = person.create(photo)
    assert made.status_code == 200, made.text
    job_id = made.json()["id"]
    work: Callable[..., object] = Ingestion.__new__(Ingestion).work
    api.drive(job_id, {**WORK, Stage.INGESTION: work})  # type: ignore[dict-item]  # it asks nothing of a replica
    api.clean()
    kept = api.world.run(media.of_jobs, [job_id])[job_id]
    assert {medium.kind for medium in kept} == {
        MediaKind.INPUT,
        MediaKind.VIDEO,
        MediaKind.THUMBNAIL,
        MediaKind.SPRITESHEET,
    }
    for medium in kept:
        reader = api.stages.store.open(medium.object_key, api.world.opening(medium.account_id), medium.id)
        assert RAW not in reader.read(0, reader.size)
        if medium.kind is MediaKind.INPUT:
            clean = reader.read(0, reader.size)
            assert clean.startswith(b"\xff\xd8")
            assert set(segments(clean)) <= PIXEL_SEGMENTS


@pytest.mark.promise("P110")
def test_no_metadata_of_a_kept_file_is_stored(api: Api, person: Person) -> None:
    photo = PLANTED["JPEG EXIF with thumbnail"](Image.linear_gradient("L").resize((320, 240)).convert("RGB"))
    made = person.post("/v1/files", data={"purpose": "vision"}, files={"file": ("upload", photo)})
    assert made.status_code == 200, made.text
    stored = person.get(f"/v1/files/{made.json()['id']}/content").content
    assert stored.startswith(b"\xff\xd8")
    assert RAW not in stored
    assert set(segments(stored)) <= PIXEL_SEGMENTS


@pytest.mark.promise("P111")
def test_one_photo_is_taken_and_no_second(api: Api, person: Person) -> None:
    before = api.snapshot()
    photos = [("input_reference", ("upload", PHOTO))] * 2
    assert person.post("/v1/videos", files=photos).status_code == 400
    assert api.snapshot() == before

"""What is stored shows nothing: neither the objects nor any row, and the scan finds what is planted."""

import secrets
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, select

from cluster.privacy.media_kinds import MediaKind
from cluster.records import metadata
from cluster.settings import Settings
from serve.stage import StageRun
from tests.api import WORK, Api, Person, picture
from tests.scan import encodings, scan


def dump(connection: Connection) -> bytes:
    """Every row of every table: bytes as they are, everything else as it is written."""
    rows = [row for table in metadata.sorted_tables for row in connection.execute(select(table))]
    return b"\n".join(
        bytes(value) if isinstance(value, bytes | memoryview) else str(value).encode() for row in rows for value in row
    )


def shown_by(api: Api, folder: Path, canary: str) -> set[str]:
    """Where a text lies in clear or encoded: in rows, in files of the data folder."""
    rows = api.world.run(dump)
    in_rows = {"rows" for form in encodings(canary).values() if form in rows}
    return in_rows | {"files" for _ in scan([folder], [canary])}


@pytest.fixture
def canary() -> str:
    return f"Zq{secrets.token_hex(8)}"


@pytest.mark.promise("P129")
def test_no_row_shows_a_name_an_address_or_a_prompt(api: Api, settings: Settings, canary: str) -> None:
    person = api.person(name=canary, email=f"{canary}@example.org", company=canary)
    person.create(prompt=canary)
    assert api.snapshot().rows["jobs"] == 1
    assert shown_by(api, settings.data.folder, canary) == set()


@pytest.mark.promise("P129")
def test_no_stored_object_shows_what_is_in_it(api: Api, person: Person, settings: Settings, canary: str) -> None:
    def generation(run: StageRun) -> Any:
        photo, _ = run.read(MediaKind.INPUT)
        for kind in (MediaKind.VIDEO, MediaKind.THUMBNAIL, MediaKind.SPRITESHEET):
            run.write(kind, "video/mp4", [canary.encode()], derived_from=photo.id)
        return {}

    work = {stage: generation if stage == "generation" else do for stage, do in WORK.items()}
    job_id = person.create(picture(comment=canary.encode())).json()["id"]
    assert shown_by(api, settings.data.folder, canary) == set()
    api.drive(job_id, work)
    assert {item["kind"] for item in person.get(f"/v1/videos/{job_id}").json()["stored"]} > {"video", "thumbnail"}
    assert shown_by(api, settings.data.folder, canary) == set()


def test_the_scan_finds_what_is_planted(api: Api, person: Person, settings: Settings, canary: str) -> None:
    (settings.data.folder / "planted").write_text(canary)
    api.world.sql("UPDATE accounts SET name_sealed = :canary", canary=canary.encode().hex().encode())
    assert shown_by(api, settings.data.folder, canary) == {"rows", "files"}

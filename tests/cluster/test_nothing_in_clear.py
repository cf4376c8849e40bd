"""Nothing personal lies in clear anywhere on the host. What is planted is found first, in every place and encoding."""

import gzip
import secrets
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
from PIL import ExifTags, Image
from sqlalchemy import Connection, text

from cluster import runtime
from tests.cluster.conftest import RunningCluster, new_account
from tests.outside import outside
from tests.photos import jpeg, person
from tests.scan import encodings, scan

SOURCE, FORGED = "127.77.31.9", "198.51.100.213"


def places(cluster: RunningCluster) -> list[Path]:
    """Where the service could leave something: the data folder with WAL and logs, Ray's, HAProxy's, shared memory."""
    where = runtime.paths(cluster.settings)
    return [cluster.folder, where.ray.resolve(), where.sockets, Path("/dev/shm")]


def test_the_service_leaves_no_personal_text_in_clear(cluster: RunningCluster) -> None:
    canaries = {name: f"Zq{secrets.token_hex(8)} Ümläut/{name}" for name in ("name", "company", "prompt", "artist")}
    email = f"zq{secrets.token_hex(8)}@example.org"
    exif = Image.Exif()
    exif[ExifTags.Base.Artist] = canaries["artist"].encode("ascii", "ignore").decode()
    photo = jpeg(person(), exif)
    with new_account(cluster, name=canaries["name"], company=canaries["company"], email=email) as account:
        video = account.openai.videos.create_and_poll(
            prompt=canaries["prompt"], model="default", seconds="4", input_reference=photo, timeout=240
        )
        assert video.status == "completed"
        bad = account.http.post("/v1/videos", data={"prompt": canaries["prompt"], "seconds": canaries["name"]})
        assert bad.status_code == 400
    cluster.database.run(_checkpoint)

    needles = [*canaries.values(), exif[ExifTags.Base.Artist], email, account.key]
    assert scan(places(cluster), needles, leaving_out=[cluster.folder / "models"]) == []


def test_the_service_leaves_nothing_of_who_came_in_and_where_to(cluster: RunningCluster) -> None:
    """Addresses, passwords, tokens of every kind, and the URLs and secrets of the way out."""
    canary = f"Zq{secrets.token_hex(8)}"
    login = {"email": f"{canary}@example.org", "password": f"{canary} of 12 and more"}
    forged = {"x-forwarded-for": FORGED, "user-agent": f"{canary}-agent", "cookie": f"{canary}=1"}
    with ExitStack() as stack:
        host = stack.enter_context(outside())
        host.gives(f"/{canary}.jpg", jpeg(person()))
        host.gives(f"/{canary}-hook", b"")
        account = stack.enter_context(new_account(cluster, **login))
        transport = httpx.HTTPTransport(local_address=SOURCE)
        away = stack.enter_context(httpx.Client(base_url=cluster.url, transport=transport, headers=forged, timeout=60))
        session = away.post("/v1/sessions", json=login).raise_for_status().json()["token"]
        away.cookies.clear()
        away.post("/v1/sessions", json=login | {"password": f"{canary} wrong and long"})
        guest = away.post("/v1/guests").raise_for_status().json()["token"]
        away.get(f"/v1/videos/{canary}", headers={"Authorization": f"Bearer {canary}-bearer"})
        headers = {"Authorization": f"Bearer {session}"}
        named = {"name": f"{canary} named", "scopes": ["videos:read"]}
        key = away.post("/v1/api-keys", json=named, headers=headers).raise_for_status().json()["api_key"]
        hook = {"url": host.url(f"/{canary}-hook"), "name": f"{canary} hook"}
        made = away.post("/v1/webhook_endpoints", json=hook, headers=headers).raise_for_status().json()
        away.post(f"/v1/webhook_endpoints/{made['id']}/test", headers=headers).raise_for_status()
        refused = {"url": f"http://10.0.0.1/{canary}-refused"}
        assert away.post("/v1/webhook_endpoints", json=refused, headers=headers).status_code == 400
        order = {"input_reference": {"image_url": host.url(f"/{canary}.jpg")}, "subject": f"{canary} subject"}
        away.post("/v1/videos", json=order, headers=headers).raise_for_status()
        gone = {"input_reference": {"image_url": host.url(f"/{canary}-nothing.jpg")}}
        assert away.post("/v1/videos", json=gone, headers=headers).status_code == 400
        log = away.get("/v1/access-history?limit=100", headers=headers).raise_for_status().json()["data"]
        assert SOURCE in {entry["address"] for entry in log}
        assert len(host.seen) == 3
        del account
    cluster.database.run(_checkpoint)

    needles = [canary, SOURCE, FORGED, session, guest, key, made["signing_secret"]]
    assert scan(places(cluster), needles, leaving_out=[cluster.folder / "models"]) == []


@pytest.mark.parametrize("encoding", [*encodings("x" * 9), "gzip"])
def test_the_scan_finds_what_is_planted_everywhere(cluster: RunningCluster, encoding: str) -> None:
    planted = f"Zq{secrets.token_hex(8)} Ümläut/planted"
    forms = encodings(planted)
    content = gzip.compress(forms["raw"]) if encoding == "gzip" else b"before " + forms[encoding] + b" after"
    for place in places(cluster):
        file = place / f"planted-{secrets.token_hex(4)}"
        file.write_bytes(content)
        try:
            assert file in {found.file for found in scan([place], [planted])}
        finally:
            file.unlink()


def test_the_scan_finds_what_postgresql_holds_in_clear(cluster: RunningCluster) -> None:
    planted = f"Zq{secrets.token_hex(12)}"

    def plant(connection: Connection) -> None:
        connection.execute(text("CREATE TABLE planted AS SELECT CAST(:words AS text) AS words"), {"words": planted})

    cluster.database.run(plant)
    cluster.database.run(_checkpoint)
    found = {file.file.relative_to(cluster.folder).parts[:3] for file in scan([cluster.folder], [planted])}
    cluster.database.run(lambda connection: connection.execute(text("DROP TABLE planted")))
    assert any("pg_wal" in parts for parts in found)
    assert any("base" in parts for parts in found)


def _checkpoint(connection: Connection) -> None:
    connection.execute(text("CHECKPOINT"))

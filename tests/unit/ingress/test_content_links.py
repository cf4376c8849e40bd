"""Links to content: for minutes, for one variant of one video, and never more than their maker may read."""

import re
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from tests.api import SPRITESHEET, THUMBNAIL, VIDEO, Api, Person
from tests.fixtures_cluster import ShiftClock
from tests.world import AI


def code(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


@pytest.fixture
def video(api: Api, person: Person) -> str:
    made = person.created()
    api.drive(made)
    return made


def link_to(person: Person, video_id: str, variant: str = "video") -> str:
    answer = person.post(f"/v1/videos/{video_id}/content_link", params={"variant": variant})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["url"])


def changed(url: str, **changes: str) -> str:
    parts = urlsplit(url)
    return parts._replace(query=urlencode(dict(parse_qsl(parts.query)) | changes)).geturl()


def test_it_opens_its_variant_to_whoever_has_it(api: Api, person: Person, video: str) -> None:
    made = person.post(f"/v1/videos/{video}/content_link").json()
    assert (made["object"], urlsplit(made["url"]).netloc) == ("content_link", "testserver")
    answer = api.client.get(made["url"])
    assert (answer.status_code, answer.content) == (200, VIDEO)
    part = api.client.get(made["url"], headers={"range": "bytes=5-9"})
    assert (part.status_code, part.content) == (206, VIDEO[5:10])
    for variant, content in {"thumbnail": THUMBNAIL, "spritesheet": SPRITESHEET}.items():
        assert api.client.get(link_to(person, video, variant)).content == content


def test_it_lives_for_five_minutes(api: Api, person: Person, video: str, shift_clock: ShiftClock) -> None:
    made = person.post(f"/v1/videos/{video}/content_link").json()
    url, end = made["url"], made["expires_at"]
    shift_clock(minutes=4)
    assert api.client.get(url).status_code == 200
    shift_clock(minutes=1.1)
    assert code(api.client.get(url)) == (403, "link_expired")
    assert code(api.client.get(changed(url, expires=str(end + 10**9)))) == (403, "link_invalid")


def test_it_lives_no_longer_than_the_video(api: Api, person: Person, shift_clock: ShiftClock) -> None:
    life = {"expires_after[anchor]": "created_at", "expires_after[seconds]": "600"}
    video = person.created(**life)
    api.drive(video)
    shift_clock(minutes=8)
    made = person.post(f"/v1/videos/{video}/content_link").json()
    assert made["expires_at"] == person.get(f"/v1/videos/{video}").json()["expires_at"]


@pytest.mark.parametrize("name", ["variant", "by", "epoch", "expires", "signature"])
def test_no_part_of_it_can_be_changed(api: Api, person: Person, video: str, name: str) -> None:
    url = link_to(person, video)
    key = api.person().get("/v1/api-keys").json()["data"][0]["id"]
    other = {"variant": "thumbnail", "by": key, "epoch": "7", "expires": "9999999999", "signature": "ü" + "0" * 63}
    assert code(api.client.get(changed(url, **{name: other[name]}))) == (403, "link_invalid")
    assert api.client.get(re.sub(f"&?{name}=[^&]*", "", url)).status_code == 400


def test_it_leads_to_no_other_video(api: Api, person: Person, video: str) -> None:
    other = person.created()
    api.drive(other)
    assert code(api.client.get(link_to(person, video).replace(video, other))) == (403, "link_invalid")


def test_it_ends_with_the_video(api: Api, person: Person, video: str) -> None:
    url = link_to(person, video)
    person.delete(f"/v1/videos/{video}")
    assert code(api.client.get(url)) == (404, "not_found")


def test_it_ends_with_the_key_that_made_it(api: Api, person: Person, video: str) -> None:
    made = person.post("/v1/api-keys", json={"name": "a"}).json()
    key = Person(person.client, person.account_id, made["api_key"])
    url, own = link_to(key, video), link_to(person, video)
    person.delete(f"/v1/api-keys/{made['id']}")
    assert code(api.client.get(url)) == (403, "link_invalid")
    assert api.client.get(own).status_code == 200


def test_it_ends_with_the_epoch(api: Api, person: Person, video: str) -> None:
    session = person.login()
    urls = [link_to(person, video), link_to(session, video)]
    assert [api.client.get(url).status_code for url in urls] == [200, 200]
    notices = person.get("/v1/notices").json()["data"]
    version = next(notice["version"] for notice in notices if notice["purpose"] == AI)
    answer = {"purpose": AI, "notice_version": version, "granted": False}
    assert session.post("/v1/consents", json=answer).status_code in (200, 201)
    assert [code(api.client.get(url)) for url in urls] == [(403, "link_invalid")] * 2
    assert person.get(f"/v1/videos/{video}/content").status_code == 200


def test_a_guest_may_make_one_too(api: Api) -> None:
    made = api.client.post("/v1/guests").json()
    guest = Person(api.client, made["account_id"], made["token"])
    api.client.cookies.clear()
    video = guest.created()
    api.drive(video)
    assert api.client.get(link_to(guest, video)).content == VIDEO


def test_only_its_owner_is_given_one_and_only_to_what_there_is(api: Api, person: Person, video: str) -> None:
    assert code(api.person().post(f"/v1/videos/{video}/content_link")) == (404, "not_found")
    assert code(api.client.post(f"/v1/videos/{video}/content_link")) == (401, "invalid_api_key")
    assert code(person.post(f"/v1/videos/{person.created()}/content_link")) == (409, "video_not_ready")
    assert person.post(f"/v1/videos/{video}/content_link", params={"variant": "x"}).status_code == 400


def test_each_use_is_on_record_and_its_signature_is_not(
    api: Api, person: Person, video: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    url = link_to(person, video)
    api.at("203.0.113.9").get(url)
    api.client.get(changed(url, epoch="7"))
    newest = person.login().get("/v1/access-history").json()["data"]
    entry = next(each for each in newest if "linked" in each["action"])
    assert (entry["action"], entry["address"]) == ("GET /v1/videos/{video_id}/linked/content", "203.0.113.9")
    signature = dict(parse_qsl(urlsplit(url).query))["signature"]
    assert signature not in str(newest)
    assert signature not in "".join(capfd.readouterr())
    assert not [record for record in caplog.records if record.name != "httpx" and signature in record.getMessage()]


def test_what_is_not_to_be_stored_goes_with_its_first_whole_download(api: Api, person: Person) -> None:
    video = person.created(store="false")
    api.drive(video)
    url = link_to(person, video)
    assert api.client.get(url).content == VIDEO
    assert code(api.client.get(url)) == (410, "video_delivered")


@pytest.mark.parametrize("host", ["[", "a b", "host:port", "\u00fc"])
def test_a_host_that_is_none_is_no_error_of_ours(person: Person, video: str, host: str) -> None:
    answer = person.post(f"/v1/videos/{video}/content_link", headers={"host": host.encode("latin-1")})
    assert answer.status_code < 500

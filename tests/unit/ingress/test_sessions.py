"""Logging in and out: uniform answers, lock-outs that hit nobody else, freshness, a cookie that can be refused."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from cluster.privacy.purposes import Purpose
from tests.api import Api, Person
from tests.fixtures_cluster import ShiftClock

EMAIL, PASSWORD = "zephyrina@quux.example", "a heron over the lake"
LOGIN = {"email": EMAIL, "password": PASSWORD}


@pytest.fixture
def owner(api: Api) -> Person:
    """Somebody with a password."""
    return api.person(**LOGIN)


def log_in(api: Api, address: str = "192.0.2.7", **body: str) -> Any:
    """An answer to a login from an address."""
    return api.at(address).post("/v1/sessions", json=LOGIN | body)


def answer_notice(person: Person) -> Any:
    """Try what needs a fresh login."""
    notices = person.client.get("/v1/notices").json()["data"]
    version = next(notice["version"] for notice in notices if notice["purpose"] == Purpose.ANALYTICS)
    body = {"purpose": Purpose.ANALYTICS, "notice_version": version, "granted": True}
    return person.post("/v1/consents", json=body)


def session(person: Person, answer: Any) -> Person:
    """The person by the token of a new session."""
    assert answer.status_code == 201, answer.text
    return Person(person.client, person.account_id, answer.json()["token"])


def test_a_password_opens_its_account_until_the_logout(api: Api, owner: Person) -> None:
    inside = session(owner, log_in(api))
    assert inside.get("/v1/me").json()["email"] == EMAIL
    assert inside.delete("/v1/sessions").json()["deleted"] is True
    assert inside.get("/v1/me").status_code == 401
    assert owner.get("/v1/me").status_code == 200
    assert owner.delete("/v1/sessions").json()["error"]["code"] == "state_conflict"


def test_case_and_composition_of_an_email_do_not_matter(api: Api, owner: Person) -> None:
    assert log_in(api, email=EMAIL.upper()).status_code == 201


def test_unicode_emails_and_passwords_work(api: Api) -> None:
    unicode = {"email": "zoë@exämple.example", "password": "пароль с пробелами 🐦"}
    owner = api.person(**unicode)
    assert session(owner, log_in(api, **unicode)).get("/v1/me").json()["email"] == unicode["email"]


def test_unknown_email_and_wrong_password_are_answered_alike(api: Api, owner: Person) -> None:
    wrong, unknown = log_in(api, password="not the password"), log_in(api, email="nobody@quux.example")
    assert (wrong.status_code, wrong.json()["error"]["code"]) == (401, "wrong_login")
    assert wrong.json() == unknown.json()
    assert set(wrong.headers) == set(unknown.headers)
    assert not wrong.cookies


def test_signing_up_with_a_taken_email_tells_nothing(api: Api, owner: Person) -> None:
    second = api.client.post("/v1/accounts", json={"email": EMAIL, "password": "something else"})
    assert second.status_code == 201
    assert log_in(api, password="something else").json()["account_id"] == second.json()["account_id"]
    assert log_in(api).json()["account_id"] == owner.account_id


def test_the_same_email_and_password_twice_at_once_is_one_account(api: Api) -> None:
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: api.client.post("/v1/accounts", json=LOGIN), range(4)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]
    refused = next(answer for answer in answers if answer.status_code == 409)
    assert refused.json()["error"]["code"] == "account_exists"
    assert len(list(api.stages.keys.accounts())) == 2  # the account, and the store of sign-up addresses


def test_wrong_logins_make_their_own_address_wait_alone(api: Api, owner: Person, shift_clock: ShiftClock) -> None:
    limit = api.stages.settings.accounts.failed_logins
    for _ in range(limit):
        assert log_in(api, "198.51.100.9", password="not the password").status_code == 401
    waiting = log_in(api, "198.51.100.9")
    assert (waiting.status_code, waiting.json()["error"]["code"]) == (429, "too_many_logins")
    assert 0 < int(waiting.headers["retry-after-ms"]) <= 15 * 60_000
    assert log_in(api, "198.51.100.9", email="nobody@quux.example").status_code == 401
    assert log_in(api, "203.0.113.5").status_code == 201
    shift_clock(minutes=15)
    assert log_in(api, "198.51.100.9").status_code == 201


def test_an_unknown_email_is_locked_like_a_known_one(api: Api) -> None:
    limit = api.stages.settings.accounts.failed_logins
    codes = [log_in(api, "198.51.100.9", email="nobody@quux.example").status_code for _ in range(limit + 1)]
    assert codes == [401] * limit + [429]


def test_a_good_login_begins_the_count_anew(api: Api, owner: Person) -> None:
    for _ in range(api.stages.settings.accounts.failed_logins - 1):
        log_in(api, password="not the password")
    assert log_in(api).status_code == 201
    assert log_in(api, password="not the password").status_code == 401


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"email": EMAIL},
        {"password": PASSWORD},
        {"api_key": "x", "email": EMAIL},
        {"email": EMAIL, "password": "x"},
        {"email": EMAIL, "password": "x" * 1_000_000},
        {"email": "x\r\nBcc: y@example.org", "password": PASSWORD},
        {"email": "é" * 330 + "@example.org", "password": PASSWORD},
        {"api_key": None},
        {"api_key": "x" * 201},
        {"token": "x"},
        [],
    ],
)
def test_what_is_no_login_is_refused(api: Api, body: object) -> None:
    before = api.snapshot()
    answer = api.client.post("/v1/sessions", json=body)
    assert (answer.status_code, answer.json()["error"]["type"]) == (400, "invalid_request_error")
    assert api.snapshot() == before


def test_consent_needs_a_login_of_minutes_ago(api: Api, owner: Person, shift_clock: ShiftClock) -> None:
    stale = answer_notice(owner)
    assert (stale.status_code, stale.json()["error"]["code"]) == (403, "fresh_login_required")
    assert stale.json()["error"]["log_in_with"]["path"] == "/v1/sessions"
    inside = session(owner, log_in(api))
    assert answer_notice(inside).status_code == 201
    shift_clock(minutes=api.stages.settings.accounts.fresh_minutes + 1)
    assert answer_notice(inside).status_code == 403
    assert inside.get("/v1/consents").status_code == 200


def test_a_key_stands_for_its_owner_only_where_there_is_no_password(api: Api, owner: Person) -> None:
    begun = api.client.post("/v1/sessions", json={"api_key": owner.key})
    assert begun.json()["fresh_until"] is None
    assert answer_notice(session(owner, begun)).status_code == 403
    keyed = api.person()
    assert answer_notice(keyed.login()).status_code == 201


def test_a_key_that_may_not_do_everything_begins_no_session(api: Api, owner: Person) -> None:
    key_id = owner.get("/v1/api-keys").json()["data"][0]["id"]
    api.world.sql("UPDATE api_keys SET scopes = ARRAY['videos:read', 'videos:write'] WHERE id = :id", id=key_id)
    refused = api.client.post("/v1/sessions", json={"api_key": owner.key})
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "insufficient_scope")
    unknown = api.client.post("/v1/sessions", json={"api_key": "i2v_nobody"})
    assert (unknown.status_code, unknown.json()["error"]["code"]) == (401, "invalid_api_key")


def test_a_session_expires(api: Api, owner: Person, shift_clock: ShiftClock) -> None:
    inside = session(owner, log_in(api))
    shift_clock(hours=api.stages.settings.accounts.session_hours)
    assert inside.get("/v1/me").status_code == 401


def test_a_browser_may_use_the_cookie_and_other_sites_may_not(api: Api, owner: Person) -> None:
    browser = api.at("192.0.2.7")
    begun = browser.post("/v1/sessions", json=LOGIN)
    cookie = begun.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert browser.get("/v1/me").json()["account_id"] == owner.account_id
    assert browser.post("/v1/api-keys", headers={"origin": "http://testserver"}).status_code == 201
    for headers in ({"origin": "https://elsewhere.example"}, {"sec-fetch-site": "cross-site"}, {"origin": "null"}):
        refused = browser.post("/v1/api-keys", headers=headers)
        assert (refused.status_code, refused.json()["error"]["code"]) == (403, "cross_site_request")
    assert len(browser.get("/v1/api-keys").json()["data"]) == 2
    browser.delete("/v1/sessions")
    assert browser.get("/v1/me").status_code == 401

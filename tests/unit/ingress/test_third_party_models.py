"""Third parties' models: listed with where data go, refused before anything is read unless all is in order."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import pytest

from cluster import clock
from cluster.privacy.provider_models import Lifecycle
from cluster.privacy.share_notices import share_notices
from serve.catalogue import Catalogue, load, read
from serve.ingress.services import Services
from tests.api import PHOTO, Api, Person
from tests.recipients import in_use, register

DAY = timedelta(days=1)
LIFE = 200 * DAY


@pytest.fixture
def services(services: Services) -> Services:
    """An ingress of an installation that uses Kling, Veo and Bedrock, for some months."""
    until = clock.now().date() + LIFE
    used = register(in_use("kling", "veo", "bedrock", until=until))
    notices = share_notices(used)
    return replace(services, register=used, catalogue=read(used), notices={**services.notices, **notices})


@pytest.fixture
def agreeing(api: Api, person: Person) -> Person:
    """Somebody who has agreed to share with Kling."""
    api.world.publish(*api.services.notices.values())
    body = {"purpose": "share:kling", "notice_version": api.services.notice_versions["share:kling"], "granted": True}
    assert person.login().post("/v1/consents", json=body).status_code == 201
    return person


def models(api: Api) -> dict[str, Any]:
    return {model["id"]: model for model in api.client.get("/v1/models").json()["data"]}


def error(answer: Any) -> dict[str, Any]:
    return dict(answer.json()["error"])


def test_our_own_models_and_those_of_the_register_have_names_of_their_own() -> None:
    shipped = load()
    assert next(iter(shipped.models)) == "default"
    of_register = {name for one in register().providers() for name in one.models}
    assert {name for name, model in shipped.models.items() if model.recipient} == of_register


def test_each_says_what_goes_where_and_whether_it_can_be_had(api: Api) -> None:
    shown = models(api)
    assert {name for name, model in shown.items() if model["available"]} == {
        "default", "kling-v3", "kling-v2-6", "veo-3.1", "luma-ray2",
    }  # fmt: skip
    for name, model in shown.items():
        recipient = api.services.register.of_model(name)
        assert (model["unavailable_because"] is None) == model["available"]
        assert api.client.get(f"/v1/models/{name}").json() == model
        if recipient:
            said = model["disclosure"]
            assert (said["recipient"], said["country"]) == (recipient.company, recipient.country)
            assert recipient.copies.how in said["sentence"]
            assert said["cannot_be_deleted"] == list(recipient.copies.cannot_be_deleted)
            assert model["purposes"] == ["ai_processing", recipient.share]
    assert "not used" in shown["wan-2.7"]["unavailable_because"]
    assert shown["veo-3.0"]["lifecycle_dates"] == {
        "created": "2025-07-29", "deprecated": None, "retired": "2026-06-30",
    }  # fmt: skip
    assert (shown["wan-2.6"]["replacement"], shown["default"]["replacement"]) == ("wan-2.7", None)
    assert (shown["sora-2"]["lifecycle"], shown["wan-2.6"]["lifecycle"]) == ("retired", "deprecated")


def test_a_video_of_theirs_needs_a_grant_for_the_generated_notice(api: Api, person: Person) -> None:
    refused = error(person.create(model="kling-v3"))
    assert (refused["code"], refused["notice"]["recipient"]) == ("consent_required", "Kuaishou Technology")
    assert refused["notice"] == api.services.notices["share:kling"].model_dump(mode="json")
    assert refused["alternatives"][0]["model"] == "default"


def test_what_is_asked_for_is_kept_and_shown(agreeing: Person) -> None:
    fields = {"model": "kling-v3", "seconds": "10", "resolution": "pro", "audio": "true"}
    estimate = agreeing.post("/v1/videos/estimate", json=fields).json()["credits"]
    made = agreeing.create(PHOTO, idempotency_key=None, **fields).json()
    assert (made["model"], made["seconds"], made["price"], estimate) == ("kling-v3", "10", 420, 420)
    assert {name: made["parameters"][name] for name in ("seconds", "resolution", "audio")} == {
        "seconds": 10, "resolution": "pro", "audio": True,
    }  # fmt: skip
    assert made["disclosure"]["recipient"] == "Kuaishou Technology"


@pytest.mark.parametrize(
    ("fields", "code", "param"),
    [
        ({"seconds": "99"}, "unsupported_parameter", "seconds"),
        ({"seed": "7"}, "unsupported_parameter", "seed"),
        ({"fps": "24"}, "unsupported_parameter", None),
        ({"negative_prompt": "x" * 2501}, "invalid_request", "negative_prompt"),
        ({"prompt": "x" * 2501}, "invalid_request", "prompt"),
        ({"audio": "loud"}, "invalid_request", "audio"),
    ],
    ids=str,
)
def test_what_the_model_does_not_take_is_refused(
    api: Api, agreeing: Person, fields: dict[str, str], code: str, param: str | None
) -> None:
    before = api.snapshot()
    answer = agreeing.create(PHOTO, idempotency_key=None, model="kling-v2-6", **fields)
    assert (answer.status_code, error(answer)["code"], error(answer)["param"]) == (400, code, param)
    assert api.snapshot() == before


@pytest.mark.parametrize(
    ("model", "status", "code", "reason"),
    [
        ("wan-2.7", 403, "recipient_unavailable", "not_configured"),
        ("upstream", 403, "recipient_unavailable", "not_configured"),
        ("sora-2", 400, "model_retired", None),
        ("nova-reel", 400, "model_retired", None),
    ],
)
def test_a_model_that_cannot_be_had_is_refused(
    api: Api, person: Person, model: str, status: int, code: str, reason: str | None
) -> None:
    before = api.snapshot()
    for answer in (person.create(b"no photo", model=model), person.post("/v1/videos/estimate", json={"model": model})):
        assert (answer.status_code, error(answer)["code"], error(answer).get("reason")) == (status, code, reason)
    assert api.snapshot() == before


def test_a_retired_model_names_the_one_that_took_its_place(person: Person) -> None:
    told = error(person.create(model="veo-3.0"))
    assert (told["code"], told["replacement"]) == ("model_retired", "veo-3.1")
    assert told["retired_on"] == "2026-06-30"
    assert "veo-3.1" in told["message"]
    assert "replacement" not in error(person.create(model="sora-2"))


def test_from_the_day_after_the_papers_end_nothing_more_is_accepted(
    api: Api, agreeing: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert agreeing.create(model="kling-v3").status_code == 200
    real = clock.now
    monkeypatch.setattr(clock, "now", lambda: real() + LIFE + DAY)
    assert models(api)["kling-v3"]["available"] is False
    person = api.person()
    refused = person.create(model="kling-v3")
    assert (refused.status_code, error(refused)["reason"]) == (403, "contract_expired")
    assert error(refused)["alternatives"][0]["model"] == "default"
    assert person.create().status_code == 200


def test_an_announced_end_comes_by_itself() -> None:
    used = register(in_use("veo"))
    veo = used.recipients["veo"]
    ended = veo.models["veo-3.0"].model_copy(update={"stated": Lifecycle.DEPRECATED})
    announced = used.model_copy(
        update={
            "recipients": {
                **used.recipients,
                "veo": veo.model_copy(update={"models": {**veo.models, "veo-3.0": ended}}),
            }
        }
    )
    catalogue: Catalogue = read(announced)
    last = ended.retired_on
    assert last is not None
    before, after = (catalogue.standing("veo-3.0", today=day, profile="laptop") for day in (last - DAY, last))
    assert (before.lifecycle, before.available) == ("deprecated", True)
    assert (after.lifecycle, after.available) == ("retired", False)


def test_a_model_on_its_way_out_says_so_to_programs(api: Api, agreeing: Person) -> None:
    wan = {"deprecation": "@1775088000", "link": '</v1/models/wan-2.7>; rel="successor-version"'}
    veo = {"sunset": "Tue, 30 Jun 2026 00:00:00 GMT"}
    for model, expected in {"wan-2.6": wan, "veo-3.0": veo, "kling-v3": {}}.items():
        told = api.client.get(f"/v1/models/{model}").headers
        assert {name: told[name] for name in ("deprecation", "sunset", "link") if name in told} == expected
    assert datetime.fromtimestamp(1775088000, UTC) == datetime(2026, 4, 2, tzinfo=UTC)
    assert "deprecation" not in agreeing.create(PHOTO, model="kling-v3").headers


def test_a_video_of_a_model_on_its_way_out_says_so_too(api: Api, agreeing: Person) -> None:
    last = clock.now().date() + LIFE
    kling = register(in_use("kling", until=last)).recipients["kling"]
    leaving = kling.models["kling-v3"].model_copy(update={"deprecated_on": date(2026, 11, 1), "retired_on": last})
    models = {**kling.models, "kling-v3": leaving}
    told = api.services.register
    changed = {**told.recipients, "kling": kling.model_copy(update={"models": models})}
    api.use(catalogue=read(told.model_copy(update={"recipients": changed})))
    answer = agreeing.create(PHOTO, model="kling-v3")
    assert (answer.status_code, answer.headers["deprecation"]) == (200, "@1793491200")
    assert parsedate_to_datetime(answer.headers["sunset"]).date() == last


def test_a_remix_with_another_model_does_not_ask_it_for_what_it_does_not_take(api: Api, agreeing: Person) -> None:
    own = agreeing.created(seconds="3", camera="orbit")
    api.drive(own)
    other = agreeing.post(
        f"/v1/videos/{own}/remix", json={"prompt": "once more", "model": "kling-v3", "people_agree": True}
    )
    assert other.status_code == 200, other.text
    assert other.json()["seconds"] == "5"


def test_a_feature_names_only_models_that_can_be_had(agreeing: Person) -> None:
    listed = {one["id"]: one["models"] for one in agreeing.get("/v1/features").json()["data"]}
    assert {"default", "kling-v3"} <= set(listed["image_to_video"])
    assert {"wan-2.7", "sora-2"}.isdisjoint(listed["image_to_video"])


def test_who_has_agreed_to_one_has_agreed_to_no_other(agreeing: Person) -> None:
    assert error(agreeing.create(PHOTO, model="veo-3.1"))["code"] == "consent_required"


def test_what_should_not_be_seen_is_somebodys_own_words(api: Api, agreeing: Person) -> None:
    words = {"model": "kling-v3", "prompt": "slow waves", "negative_prompt": "heron-3141"}
    made = agreeing.create(PHOTO, idempotency_key="k", **words).json()
    assert made["parameters"]["negative_prompt"] == "heron-3141"
    assert "heron-3141" not in str(api.world.sql("SELECT * FROM jobs"))
    assert agreeing.create(PHOTO, idempotency_key="k", **words).json()["id"] == made["id"]
    other = agreeing.create(PHOTO, idempotency_key="k", **words | {"negative_prompt": "another"})
    assert error(other)["code"] == "idempotency_key_reused"
    api.drive(made["id"])
    again = agreeing.post(f"/v1/videos/{made['id']}/remix", json={"prompt": "faster", "people_agree": True}).json()
    assert again["parameters"]["negative_prompt"] == "heron-3141"
    assert "negative_prompt" not in agreeing.create(PHOTO, model="kling-v3").json()["parameters"]
    agreeing.delete(f"/v1/videos/{made['id']}")
    (row,) = api.world.sql("SELECT negative_prompt_sealed FROM jobs WHERE id = :id", id=made["id"])
    assert row.negative_prompt_sealed is None


def test_nobody_names_themselves_in_what_should_not_be_seen(api: Api, agreeing: Person) -> None:
    refused = agreeing.create(PHOTO, model="kling-v3", negative_prompt="call 0201234567")
    assert error(refused)["code"] == "personal_text"

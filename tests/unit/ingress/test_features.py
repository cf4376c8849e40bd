"""What can be made here, and what stands in the way: the truth, whether or not it sounds good."""

from typing import Any

from tests.api import Person


def features(person: Person) -> dict[str, Any]:
    answer = person.get("/v1/features")
    assert answer.status_code == 200, answer.text
    return {feature["id"]: feature for feature in answer.json()["data"]}


def test_every_feature_is_listed_and_only_what_a_model_offers_is_available(person: Person) -> None:
    found = features(person)

    assert set(found) == {"image_to_video", "face_enhancement", "reenactment", "style_transfer"}
    assert [name for name, feature in found.items() if feature["available"]] == ["image_to_video"]
    assert "bygone" not in found["image_to_video"]["models"]
    assert "default" in found["image_to_video"]["models"]
    assert found["reenactment"]["models"] == []
    assert found["reenactment"]["purposes"] == {"ai_processing": "unset", "face_processing": "unset"}
    assert "No model" in found["reenactment"]["reason"]


def test_a_withdrawn_consent_makes_it_unavailable(person: Person) -> None:
    fresh = person.login()
    version = next(
        purpose["notice_version"]
        for purpose in fresh.get("/v1/consents").json()["data"]
        if purpose["purpose"] == "ai_processing"
    )
    body = {"purpose": "ai_processing", "notice_version": version, "granted": False}
    fresh.post("/v1/consents", json=body).raise_for_status()

    feature = features(fresh)["image_to_video"]

    assert (feature["available"], feature["purposes"]) == (False, {"ai_processing": "withdrawn"})
    assert "withdrawn" in feature["reason"]


def test_nobody_is_told_without_a_credential(person: Person) -> None:
    assert person.client.get("/v1/features").status_code == 401

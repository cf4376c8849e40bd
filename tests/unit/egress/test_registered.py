"""What the register says of a recipient is what the way out goes by."""

from datetime import timedelta
from typing import Any, cast

import pytest

from cluster.records.delegation import Budget, Delegate
from serve.delegates import of_register
from serve.egress.client import Client
from serve.egress.recipient import Recipient
from serve.egress.registered import access_of, recipient_of
from serve.provider_parameters import read_parameters
from serve.recipients.adapter import Adapter
from tests.recipients import LATER, TODAY, in_use, recipient, register

UNUSED: Any = object()


def known(name: str) -> Recipient:
    return recipient_of(recipient(name), cast("Adapter", UNUSED), cast("Client", UNUSED), "production")


def test_nobody_is_delegated_to_unless_in_use() -> None:
    assert of_register(register()) == {}
    made = of_register(register(in_use("kling", "veo", "aws")))
    assert set(made) == {"kling-v3", "kling-v2-6", "veo-3.1", "veo-3.0"}
    assert made["veo-3.1"] == Delegate("veo", "veo-3.1-generate-001", Budget(5, 2))


def test_a_recipient_is_known_by_its_own_names_of_its_models() -> None:
    wan = known("wan")
    assert set(wan.models) == {"wan2.7-i2v", "wan2.6-i2v"}
    bounds = wan.models["wan2.7-i2v"].bounds
    assert (bounds.max_bytes, bounds.min_side, bounds.max_side, bounds.max_aspect) == (20_000_000, 240, 8000, 8)
    assert known("kling").models["kling-v3"].bounds.max_side > 8000
    assert (wan.name, wan.receiver.country, list(wan.categories)) == ("wan", "Singapore", ["photos", "prompts", "jobs"])


@pytest.mark.parametrize(
    ("name", "can_delete", "days"), [("kling", False, 30), ("bedrock", True, 1), ("veo", False, 1)]
)
def test_what_becomes_of_its_copies_is_known(name: str, can_delete: bool, days: int) -> None:
    assert (known(name).can_delete, known(name).copy_days) == (can_delete, days)


def test_what_a_job_stored_is_what_its_adapter_is_asked_for() -> None:
    kling = recipient("kling")
    stored = read_parameters(kling.models["kling-v3"].capabilities, {"seconds": "7", "audio": "true"}).model_dump()
    told = known("kling").models["kling-v3"].translate(stored)
    assert (told.seconds, told.audio, told.resolution, told.seed) == (7, True, "std", None)


def test_papers_are_looked_at_again_before_anything_is_sent() -> None:
    veo, kling = known("veo").models, known("kling").models
    assert veo["veo-3.1-generate-001"].obstacle(TODAY) is None
    found = [
        veo["veo-3.1-generate-001"].obstacle(LATER + timedelta(days=1)),
        veo["veo-3.0-generate-001"].obstacle(TODAY),
    ]
    found += [kling["kling-v3"].obstacle(TODAY)]
    assert [one and one.code.value for one in found] == ["contract_expired", "model_retired", "keeps_copies"]


def test_an_adapter_reaches_only_who_is_in_use_and_with_its_own_credentials() -> None:
    access = access_of(recipient("bedrock"), {"access_key": "a", "secret_key": "b"})
    assert access.base_url == "https://bedrock-runtime.us-west-2.amazonaws.com"
    assert access.options == {"bucket": "a-bucket", "prefix": "i2v", "region": "us-west-2"}
    with pytest.raises(ValueError, match="credential"):
        access_of(recipient("bedrock"), {"api_key": "a"})
    with pytest.raises(ValueError, match="not used"):
        access_of(register().recipients["bedrock"], {})
    with pytest.raises(ValueError, match="no videos"):
        known("aws")

"""The register of recipients: what leaves something out, contradicts itself or sells something is refused."""

from datetime import timedelta
from typing import Any

import pytest
import yaml

from cluster.privacy import data_map
from cluster.privacy.provider_models import Lifecycle
from cluster.privacy.recipients import RegisterError, Role, parse
from cluster.settings import configs_folder
from tests.recipients import OPTIONS, in_use, recipient, register

MODEL: dict[str, Any] = {
    "provider_model": "kling-v3",
    "title": "Kling 3",
    "created": "2026-02-05",
    "lifecycle": "live",
    "capabilities": {
        "seconds": [5],
        "seed": False,
        "negative_prompt": 0,
        "audio": "never",
        "last_frame": False,
        "prompt": 100,
        "photo": {"max_bytes": 100, "min_side": 1, "types": ["image/png"]},
        "cancel": "never",
        "idempotency": False,
    },
    "price": {"base_credits": 1, "credits_per_second": 1},
}
ENTRY = {
    "name": "Somebody",
    "legal_name": "Somebody GmbH",
    "role": "ai_provider",
    "adapter": "kling",
    "purpose": "Making the video that you ask for.",
    "regions": {"home": {"country": "Germany", "host": "api.example"}},
    "data": ["photos", "prompts", "jobs"],
    "no_training": {"on_the_wire": "The wire has no switch for it."},
    "copies": {"fate": "deleted", "how": "They are deleted at once.", "expire_after_days": 0},
    "budgets": {"concurrent": 1, "per_account": 1, "per_minute": 1},
    "models": {"a-model": MODEL},
}
NEEDED = [key for key in ENTRY if key != "models"]


def source(name: str = "somebody", without: str = "", **changes: Any) -> str:
    return yaml.safe_dump({"recipients": {name: {k: v for k, v in (ENTRY | changes).items() if k != without}}})


def test_the_register_names_those_of_the_policy_and_gives_data_to_nobody_by_itself() -> None:
    shipped = register()
    assert {one.name for one in shipped.providers()} >= {
        "Alibaba Cloud",
        "Amazon Web Services",
        "Google Cloud",
        "Kling AI (Kuaishou Technology)",
        "OpenAI",
    }
    assert {one.role for one in shipped.recipients.values() if one.name == "Amazon Web Services"} == set(Role)
    assert not any(one.use for one in shipped.recipients.values())
    assert {shared.value for one in shipped.providers() for shared in one.data} <= data_map.load().categories.keys()


def test_a_model_leads_to_one_recipient_and_its_replacement_exists() -> None:
    shipped = register()
    for one in shipped.providers():
        for name, model in one.models.items():
            assert shipped.of_model(name) == one
            assert model.replacement is None or shipped.of_model(model.replacement) is not None
    assert shipped.of_model("default") is None


def test_hosts_and_names_of_models_stand_in_the_configuration_alone() -> None:
    shipped = register()
    facts = {region.host for one in shipped.recipients.values() for region in one.regions.values() if region.host}
    facts |= {m.provider_model for one in shipped.providers() for n, m in one.models.items() if m.provider_model != n}
    root = configs_folder().parent
    code = "\n".join(file.read_text() for part in ("cluster", "serve") for file in (root / part).rglob("*.py"))
    assert {fact for fact in facts - {"default"} if fact in code} == set()


def test_a_whole_entry_is_read() -> None:
    one = parse(source(), {"somebody": {}}).recipients["somebody"]
    assert (one.share, one.country, one.company) == ("share:somebody", "Germany", "Somebody GmbH")
    assert (one.base_url, one.provider_model("a-model")) == ("https://api.example", "kling-v3")


@pytest.mark.parametrize("key", NEEDED)
def test_an_entry_that_leaves_something_out_is_refused(key: str) -> None:
    with pytest.raises(RegisterError):
        parse(source(without=key))


@pytest.mark.parametrize("key", list(MODEL))
def test_so_is_a_model(key: str) -> None:
    with pytest.raises(RegisterError, match=key):
        parse(source(models={"a-model": {k: v for k, v in MODEL.items() if k != key}}))


@pytest.mark.parametrize(
    "change",
    [
        {"data": ["photos", "identity"]},
        {"data": ["face_data"]},
        {"data": []},
        {"role": "broker"},
        {"role": "infrastructure"},
        {"adapter": "smtp"},
        {"sold_to": "nobody"},
        {"purpose": "Making the video that you ask for, and advertising."},
        {"regions": {}},
        {"regions": {"home": {"country": "Germany", "host": "https://api.example"}}},
        {"copies": {"fate": "expires", "how": "They go after some time.", "expire_after_days": 30}},
        {
            "copies": {
                "fate": "deleted",
                "how": "They are deleted.",
                "expire_after_days": 0,
                "cannot_be_deleted": ["it"],
            }
        },
        {"models": {"a-model": MODEL | {"lifecycle": "retired"}}},
        {"models": {"a-model": MODEL | {"retired_on": "2020-01-01"}}},
        {"models": {"a-model": MODEL | {"capabilities": MODEL["capabilities"] | {"age": True}}}},
    ],
    ids=str,
)
def test_what_is_on_no_list_or_contradicts_itself_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(RegisterError):
        parse(source(**change))


@pytest.mark.parametrize("name", ["ad_broker", "sale", "data_seller", "Kling", "a-b", ""])
def test_nobody_can_be_named_who_buys_data(name: str) -> None:
    with pytest.raises(RegisterError):
        parse(source(name))


@pytest.mark.parametrize("text", ["", "recipients: [", "recipients: []", "models: {}", "recipients: {one: two}"])
def test_what_is_no_register_is_refused(text: str) -> None:
    with pytest.raises(RegisterError):
        parse(text)


@pytest.mark.parametrize(
    "used",
    [
        {"nobody": {}},
        {"kling": {"colour": "red"}},
        {"kling": {"legal_name": "Another GmbH"}},
        {"kling": {"options": {"project": "x"}}},
        {"kling": {"provider_models": {"veo-3.1": "x"}}},
        {"kling": {"base_url": "ftp://somewhere"}},
        {"kling": {"agreement": {"contract": {"reference": "DPA 7"}}}},
        {"veo": {}},
        {"openai_videos": {"legal_name": "Upstream GmbH", "country": "Germany"}},
    ],
    ids=str,
)
def test_what_an_installation_says_must_fit(used: dict[str, Any]) -> None:
    with pytest.raises(RegisterError):
        register(used)


def test_what_is_left_to_the_operator_is_filled_in() -> None:
    upstream = recipient("openai_videos", provider_models={"upstream": "wan-local"})
    assert (upstream.company, upstream.country) == ("Upstream GmbH", "Germany")
    assert (upstream.base_url, upstream.provider_model("upstream")) == ("https://videos.example", "wan-local")
    assert recipient("bedrock").chosen_options == {"bucket": "a-bucket", "prefix": "i2v"}
    assert recipient("kling", region="beijing").country == "China"


def test_the_last_copy_goes_by_the_contract_or_by_itself_whichever_is_later() -> None:
    assert (recipient("kling").last_copy_days, recipient("veo").last_copy_days) == (30, 1)


def test_a_day_that_was_announced_comes_by_itself() -> None:
    model = register().recipients["openai"].models["sora-2"]
    announced = model.model_copy(update={"stated": Lifecycle.LIVE})
    assert announced.retired_on is not None
    assert announced.lifecycle(announced.retired_on - timedelta(days=1)) is Lifecycle.LIVE
    assert announced.lifecycle(announced.retired_on) is Lifecycle.RETIRED


def test_everybody_can_be_in_use() -> None:
    everybody = register(in_use(*(one.id for one in register().providers())))
    assert all(one.use for one in everybody.providers())
    assert OPTIONS.keys() < everybody.recipients.keys()

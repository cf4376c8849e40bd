"""Nothing goes to a recipient of whom anything is missing, over or unsafe."""

import re
from datetime import date, timedelta
from itertools import product
from typing import Any, Literal

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from cluster.privacy.obstacles import ObstacleCode, obstacle
from cluster.settings import configs_folder
from tests.recipients import CLAUSES, LATER, TODAY, agreement, recipient, register

PROFILES: tuple[Literal["laptop", "production"], ...] = ("laptop", "production")
EXCEPTION = {"reason": "The owner has asked for it in writing.", "shown": "Kling AI keeps what you send for 30 days."}
WHOLE = agreement() | {"exception": EXCEPTION}
days = st.integers(min_value=0, max_value=4000).map(lambda count: timedelta(days=count))


def code_of(today: date = TODAY, profile: Literal["laptop", "production"] = "production", **use: Any) -> str | None:
    one = recipient("kling", **({"agreement": WHOLE} | use))
    found = obstacle(one, "kling-v3", today=today, profile=profile)
    return found.code.value if found else None


@pytest.mark.parametrize("profile", PROFILES)
def test_nothing_is_in_the_way_of_one_of_whom_nothing_is_missing(profile: Literal["laptop", "production"]) -> None:
    assert code_of(profile=profile) is None
    assert code_of(LATER, profile) is None


@given(missing=st.sets(st.sampled_from(["contract", "assessment", "mechanism"]), min_size=1), since=days)
def test_whatever_paper_is_missing_it_is_refused(missing: set[str], since: timedelta) -> None:
    papers = {name: paper for name, paper in WHOLE.items() if name not in missing}
    for profile in PROFILES:
        found = code_of(TODAY - since, profile, agreement=papers)
        assert found in {f"{name}_missing" for name in missing}


@given(missing=st.sets(st.sampled_from(sorted(CLAUSES)), min_size=1))
def test_whatever_clause_a_contract_lacks_it_is_refused(missing: set[str]) -> None:
    contract = {name: value for name, value in WHOLE["contract"].items() if name not in missing}
    for profile in PROFILES:
        assert code_of(profile=profile, agreement=WHOLE | {"contract": contract}) in {
            f"{one}_missing" for one in missing
        }


@given(over=st.sets(st.sampled_from(["contract", "assessment"]), min_size=1), late=days)
def test_whatever_has_expired_it_is_refused_from_the_next_day_on(over: set[str], late: timedelta) -> None:
    papers = WHOLE | {name: WHOLE[name] | {"expires": TODAY} for name in over}
    for profile in PROFILES:
        assert code_of(TODAY, profile, agreement=papers) is None
        assert code_of(TODAY + timedelta(days=1) + late, profile, agreement=papers) in {
            f"{name}_expired" for name in ("contract", "assessment")
        }


def test_who_is_not_in_use_gets_nothing() -> None:
    for one, profile in product(register().providers(), PROFILES):
        for model in one.models:
            found = obstacle(one, model, today=TODAY, profile=profile)
            assert found is not None
            assert one.name in found.sentence


@given(since=days)
def test_a_model_that_is_retired_is_refused_from_its_day_on(since: timedelta) -> None:
    one = recipient("bedrock")
    last = one.models["nova-reel"].retired_on
    assert last is not None
    found = obstacle(one, "nova-reel", today=last + since, profile="laptop")
    assert found is not None
    assert found.code is ObstacleCode.MODEL_RETIRED
    assert obstacle(one, "luma-ray2", today=TODAY, profile="laptop") is None


def test_keeping_copies_needs_an_exception_in_production_and_there_alone() -> None:
    assert code_of(agreement=agreement()) == "keeps_copies"
    assert code_of(profile="laptop", agreement=agreement()) is None
    assert obstacle(recipient("veo"), "veo-3.1", today=TODAY, profile="production") is None


@pytest.mark.parametrize(
    "use", [{"region": "atlantis"}, {"base_url": "http://127.0.0.1:9"}, {"base_url": "https://x.y"}]
)
def test_another_address_than_that_of_the_register_is_refused_in_production(use: dict[str, Any]) -> None:
    assert code_of(**use) == "region_not_allowed"
    assert (code_of(profile="laptop", **use) is None) == ("base_url" in use)


def test_the_operators_upstream_is_reached_over_tls_in_production() -> None:
    plain = recipient("openai_videos", base_url="http://videos.example")
    assert obstacle(recipient("openai_videos"), "upstream", today=TODAY, profile="production") is None
    found = obstacle(plain, "upstream", today=TODAY, profile="production")
    assert found is not None
    assert found.code is ObstacleCode.REGION_NOT_ALLOWED


def test_what_a_recipient_does_not_offer_is_refused() -> None:
    for one in (recipient("kling"), recipient("aws")):
        found = obstacle(one, "veo-3.1", today=TODAY, profile="laptop")
        assert found is not None
        assert found.code is ObstacleCode.NOT_OFFERED


def test_what_the_guide_says_is_enough() -> None:
    page = (configs_folder().parent / "docs" / "guides" / "third-parties.md").read_text(encoding="utf-8")
    blocks = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", page, re.S)]
    used = register({name: use for block in blocks for name, use in block["recipients"]["in_use"].items()})
    reached = {one.id for one in used.recipients.values() if one.use}
    assert reached == {"veo", "kling", "openai_videos", "aws"}
    for one in used.providers():
        for model in one.models if one.use else ():
            found = obstacle(one, model, today=TODAY, profile="production")
            assert found is None or found.code is ObstacleCode.MODEL_RETIRED, found

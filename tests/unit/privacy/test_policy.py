"""The policy: words and facts in one document, a hash that changes with either, and nothing that is not filled in."""

from typing import Any

import pytest
import yaml

from cluster.cli.data_map import record_page
from cluster.privacy import in_words, recipients
from cluster.privacy.data_map import DataMapError, LegalBasis, People, Recipient, Region, Survivor, load
from cluster.privacy.policy import Policy, PolicyError, build, digest, published
from cluster.privacy.purposes import OperatingPurpose, Purpose
from cluster.privacy.recipients import Shared
from cluster.privacy.record_of_processing import as_markdown, record_of
from cluster.privacy.terms import SCANNING
from cluster.settings import Recipients, Settings, configs_folder, read
from tests.recipients import in_use

ROOT = configs_folder().parent
SOURCE: dict[str, Any] = yaml.safe_load((configs_folder() / "policy.yaml").read_text(encoding="utf-8"))


@pytest.fixture
def laptop() -> Settings:
    return read(configs_folder(), {})


def built(laptop: Settings, **changes: Any) -> Policy:
    return build(yaml.safe_dump(SOURCE | changes), load(), laptop)


def section(text: str) -> dict[str, Any]:
    return {"id": "more", "title": "More", "paragraphs": [text]}


def test_the_committed_record_of_processing_is_the_generated_one() -> None:
    committed = (ROOT / "docs" / "record-of-processing.md").read_text(encoding="utf-8")
    assert committed == record_page(), "i2v data-map --record > docs/record-of-processing.md"


def test_everything_of_the_map_is_in_the_policy_and_in_the_record(laptop: Settings) -> None:
    policy = published(laptop)
    page = as_markdown(record_of(policy, recipients.load(laptop)))
    assert [one.id for one in policy.categories] == list(load().categories)
    assert {one.id for one in policy.survivors} == set(Survivor)
    for category in policy.categories:
        assert all(part in page for part in (category.title, category.what, category.legal_basis, category.until))
        assert category.purposes
        assert category.recipients
        assert category.rights
    assert (policy.version in page, policy.hash in page) == (True, True)


def test_a_change_of_a_word_or_a_fact_is_another_hash(laptop: Settings) -> None:
    policy = built(laptop)
    assert policy == published(laptop)
    assert policy.hash == digest(policy)
    facts = load()
    usage = facts.categories["usage"].model_copy(update={"retention": 90})
    other_facts = facts.model_copy(update={"categories": {**facts.categories, "usage": usage}})
    named = laptop.model_copy(update={"operator": laptop.operator.model_copy(update={"name": "Quux & Sons"})})
    others = [
        built(laptop, summary=SOURCE["summary"] + " Always."),
        built(laptop, sections=[*SOURCE["sections"], section("More words.")]),
        build(yaml.safe_dump(SOURCE), other_facts, laptop),
        built(named),
    ]
    assert len({one.hash for one in (policy, *others)}) == 5
    assert "Quux & Sons" in built(named).model_dump_json()


@pytest.mark.parametrize(
    "changes",
    [
        {"sections": [*SOURCE["sections"], section("Kept for {some} days.")]},
        {"sections": [one for one in SOURCE["sections"] if one["id"] != "unlawful-content"]},
        {"sections": []},
        {"version": "soon"},
        {"mood": "good"},
        {"summary": "Trust us."},
        {"unnamed": {"operator": "somebody"}},
        {"sections": [{"id": "x", "title": "More", "shows": "everything"}]},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_words_that_are_not_complete_are_not_published(laptop: Settings, changes: dict[str, Any]) -> None:
    with pytest.raises(PolicyError):
        built(laptop, **changes)


def test_it_has_the_sentence_on_scanning(laptop: Settings) -> None:
    policy = published(laptop)
    assert policy.scanning == SCANNING
    assert SCANNING in policy.section("unlawful-content").paragraphs


def test_everything_on_a_closed_list_has_its_words() -> None:
    assert set(in_words.BASES) == set(LegalBasis)
    assert set(in_words.PEOPLE) == set(People)
    assert set(in_words.RECIPIENTS) == set(Recipient)
    assert set(in_words.REGIONS) == set(Region)
    assert set(in_words.SURVIVORS) == set(Survivor)
    for purpose in (*Purpose, *OperatingPurpose):
        assert in_words.purpose_in_words(purpose)
    assert in_words.purpose_in_words("share:wan") == "sharing with wan, as you agreed"


@pytest.mark.parametrize(
    ("retention", "said"),
    [
        (1, "1 day"),
        (30, "30 days"),
        ("account", "As long as your account"),
        ("setting:retention.idempotency_hours", "1 day"),
        ("setting:accounts.failed_login_minutes", "15 minutes"),
        ("setting:accounts.session_hours", "12 hours"),
    ],
)
def test_a_retention_is_said_in_words(laptop: Settings, retention: int | str, said: str) -> None:
    category = load().categories["retries"].model_copy(update={"retention": retention})
    assert in_words.kept(category, laptop) == said


@pytest.mark.parametrize("name", ["retention.nothing", "nothing.days", "http.port", "data.folder"])
def test_a_setting_that_is_no_length_of_time_is_no_retention(laptop: Settings, name: str) -> None:
    category = load().categories["retries"].model_copy(update={"retention": f"setting:{name}"})
    with pytest.raises(DataMapError):
        in_words.kept(category, laptop)


def test_companies_in_use_are_named_with_what_they_may_have(laptop: Settings) -> None:
    used = laptop.model_copy(update={"recipients": Recipients(in_use=in_use("kling", "aws"))})
    policy = published(used)
    shown = {one.id: " ".join(one.recipients) for one in policy.categories}
    assert {name for name, said in shown.items() if "Kuaishou Technology (Singapore)" in said} == set(Shared)
    sealed = {name for name, said in shown.items() if "sealed, Amazon Web Services, Inc. (United States)" in said}
    assert sealed == {name for name, category in load().categories.items() if category.places.objects}
    assert "Kuaishou" not in published(laptop).model_dump_json()
    assert policy.hash != published(laptop).hash
    record = record_of(policy, recipients.load(used))
    assert "Kuaishou Technology (Singapore), ai provider: Standard contractual clauses" in record.transfers
    assert "None." in record_of(published(laptop), recipients.load(laptop)).transfers

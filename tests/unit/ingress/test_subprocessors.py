"""`/v1/subprocessors`: who may hold data, generated from the register, for programs and for people."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from cluster.privacy.recipients import Role
from cluster.privacy.subprocessors import Subprocessors, listed
from serve.ingress.policy_page import marked
from serve.ingress.subprocessors import prefers_html
from tests.api import Api
from tests.recipients import CLAUSES, agreement, in_use, register
from tests.unit.ingress.test_policy import LOADING, Page, without_tags

PATH = "/v1/subprocessors"
HTML = {"accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
EXCEPTION = {"reason": "The owner has asked for it in writing.", "shown": "Kling AI keeps what you send for 30 days."}


@pytest.fixture
def used(api: Api) -> Iterator[Api]:
    """An installation that uses a provider with an exception, an upstream of its own, and somebody's storage."""
    setting = in_use("openai_videos", "aws") | in_use("kling", agreement=agreement() | {"exception": EXCEPTION})
    served = api.client.app.state  # type: ignore[attr-defined]  # the client is typed for any ASGI application
    served.services = replace(before := served.services, register=register(setting))
    yield api
    served.services = before


def test_everybody_of_the_register_is_listed_with_all_that_is_to_be_known(used: Api) -> None:
    before = used.snapshot()
    answer = used.client.get(PATH)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    document = Subprocessors.model_validate(answer.json())
    assert {one.id for one in document.data} == register().recipients.keys()
    assert [one.id for one in document.data if one.in_use] == ["kling", "openai_videos", "aws"]
    for one in document.data:
        assert all((one.name, one.legal_name, one.when, one.purpose, one.country, one.data, one.copies))
        assert bool(one.transfer) == one.in_use
        assert bool(one.models) == (one.role is Role.AI_PROVIDER)
    shown = {one.id: one for one in document.data}
    assert (shown["kling"].exception, shown["kling"].kept_at_most_days) == (EXCEPTION["shown"], 30)
    assert (shown["openai_videos"].name, shown["openai_videos"].country) == ("Upstream GmbH", "Germany")
    assert [name for name, clause in CLAUSES.items() if clause not in " ".join(shown["kling"].obligations)] == []
    assert used.snapshot() == before


def test_who_is_not_used_is_said_to_get_nothing(api: Api) -> None:
    assert {one["when"] for one in api.client.get(PATH).json()["data"]} == {
        "Nothing goes there from this installation."
    }


def test_the_page_says_everything_that_the_list_says(used: Api) -> None:
    page = used.client.get(PATH, headers=HTML)
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    text = without_tags(page.text.split("</style>")[1])
    document = listed(used.client.app.state.services.register)  # type: ignore[attr-defined]  # as above
    said = [document.title, document.summary, document.hash]
    for one in document.data:
        said += [one.name, one.legal_name, one.when, one.purpose, one.country, one.copies, *one.data, *one.models]
        said += [*one.obligations, *filter(None, (one.transfer, one.exception))]
    for sentence in said:
        assert without_tags(str(marked(sentence))) in text, sentence


def test_the_page_is_whole_and_loads_nothing(used: Api) -> None:
    answer = used.client.get(PATH, headers=HTML)
    page = Page(answer.text)
    assert {"script", "img", "iframe", "link", "form", "object", "base"}.isdisjoint(page.tags)
    assert not [one for one in page.attributes if one[1] in LOADING or one[1].startswith("on") or one[1] == "style"]
    ids = page.values("id")
    assert len(ids) == len(set(ids))
    assert set(page.values("aria-labelledby")) <= set(ids)
    assert {link[1:] for link in page.values("href") if link.startswith("#")} <= set(ids)
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")


@pytest.mark.parametrize("headers", [{}, HTML], ids=["json", "html"])
def test_who_has_it_already_is_told_so(api: Api, headers: dict[str, str]) -> None:
    first = api.client.get(PATH, headers=headers)
    known = headers | {"if-none-match": first.headers["etag"]}
    assert (first.headers["vary"], api.client.get(PATH, headers=known).status_code) == ("accept", 304)
    other = {"accept": "application/json"} if headers else HTML
    assert api.client.get(PATH, headers=known | other).status_code == 200


def test_another_fact_is_another_hash() -> None:
    hashes = {
        listed(register(used)).hash
        for used in ({}, in_use("kling"), in_use("kling", region="beijing"), in_use("kling", "veo"))
    }
    assert len(hashes) == 4


@pytest.mark.parametrize(
    ("accepted", "wanted"),
    [
        (HTML["accept"], True),
        ("text/html", True),
        ("text/*", True),
        ("TEXT/HTML;Q=0.5, application/json;q=0.4", True),
        ("*/*", False),
        ("", False),
        ("application/json", False),
        ("text/html;q=0.5, application/json", False),
        ("text/html;q=0", False),
        ("text/html;q=much", False),
        ("text/html;level=1=2;;,,;q", True),
    ],
)
def test_a_page_is_for_those_who_would_rather_have_one(accepted: str, wanted: bool) -> None:
    assert prefers_html(accepted) is wanted

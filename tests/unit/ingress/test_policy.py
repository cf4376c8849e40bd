"""`/v1/policy`, `/privacy.html` and the record of processing: one document, open to everybody but the last."""

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from itertools import pairwise

import pytest

from cluster.cli.data_map import record_page
from cluster.privacy.record_of_processing import RecordOfProcessing, as_markdown
from cluster.records import accounts
from cluster.records.principals import Role
from serve.ingress.policy_page import marked
from tests.api import Api, Person

RECORD = "/v1/staff/record-of-processing"
PAGES = ("/v1/policy", "/privacy.html")
VOID = {"meta", "link", "br", "img", "input", "hr"}
LOADING = {"src", "srcset", "action", "data", "poster", "background"}


class Page(HTMLParser):
    """What a page consists of; tags that are not closed in their order are an error."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def values(self, name: str) -> list[str]:
        return [value for _, own, value in self.attributes if own == name]


def without_tags(html: str) -> str:
    return re.sub(r"<[^>]+>", "", html)


@pytest.fixture
def page(api: Api) -> Page:
    return Page(api.client.get("/privacy.html").text)


def test_everybody_finds_it_and_both_forms_have_one_hash(api: Api) -> None:
    before = api.snapshot()
    policy, page = (api.client.get(path) for path in PAGES)
    assert (policy.status_code, page.status_code) == (200, 200)
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    shown = policy.json()
    assert page.text.count(shown["hash"]) == 2
    assert f'datetime="{shown["version"]}"' in page.text
    assert policy.headers["etag"] == page.headers["etag"] == f'"{shown["hash"]}"'
    content = {name: value for name, value in shown.items() if name != "hash"}
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":")).encode()
    assert hashlib.sha256(canonical).hexdigest() == shown["hash"]
    assert api.snapshot() == before


def test_the_page_says_everything_that_the_document_says(api: Api) -> None:
    text = without_tags(api.client.get("/privacy.html").text.split("</style>")[1])
    policy = api.client.get("/v1/policy").json()
    said = [policy["summary"], policy["scanning"], *(one["reason"] for one in policy["survivors"])]
    for category in policy["categories"]:
        said += [category[name] for name in ("title", "what", "legal_basis", "kept", "until", "region")]
        said += [*category["purposes"], *category["recipients"], *category["rights"]]
    for section in policy["sections"]:
        said += [section["title"], *section["paragraphs"], *section["points"]]
    for sentence in said:
        assert without_tags(str(marked(sentence))) in text, sentence


@pytest.mark.parametrize("path", PAGES)
def test_who_has_it_already_is_told_so(api: Api, path: str) -> None:
    tag = api.client.get(path).headers["etag"]
    for known in (tag, f"W/{tag}", f'"other", {tag}'):
        answer = api.client.get(path, headers={"if-none-match": known})
        assert (answer.status_code, answer.content) == (304, b"")
    assert api.client.get(path, headers={"if-none-match": '"other"'}).status_code == 200


def test_the_page_loads_nothing_and_runs_nothing(api: Api, page: Page) -> None:
    assert {"script", "img", "iframe", "link", "form", "object", "base"}.isdisjoint(page.tags)
    assert not [one for one in page.attributes if one[1] in LOADING or one[1].startswith("on") or one[1] == "style"]
    assert all(target.startswith("#") or target == "v1/policy" for target in page.values("href"))
    text = api.client.get("/privacy.html").text
    assert {"url(", "@import"} & set(re.findall(r"url\(|@import", text)) == set()


def test_a_browser_is_told_to_allow_this_one_style_and_nothing_else(api: Api) -> None:
    answer = api.client.get("/privacy.html")
    (style,) = re.findall(r"<style>(.*?)</style>", answer.text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    allowed = dict(part.strip().split(" ", 1) for part in answer.headers["content-security-policy"].split(";"))
    assert allowed == {
        "default-src": "'none'",
        "style-src": f"'sha256-{digest}'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }


def test_the_page_can_be_read_by_everybody(api: Api, page: Page) -> None:
    """Language, zoom, landmarks, one first heading, no heading level left out, every link and label has its target."""
    assert ("html", "lang", "en") in page.attributes
    assert ("meta", "content", "width=device-width, initial-scale=1") in page.attributes
    assert ("meta", "content", "light dark") in page.attributes
    for landmark in ("header", "nav", "main", "footer", "h1", "title"):
        assert page.tags.count(landmark) == 1
    levels = [int(tag[1]) for tag in page.tags if re.fullmatch(r"h[1-6]", tag)]
    assert all(after - before <= 1 for before, after in pairwise(levels))
    ids = page.values("id")
    assert len(ids) == len(set(ids))
    assert {target[1:] for target in page.values("href") if target.startswith("#")} <= set(ids)
    assert set(page.values("aria-labelledby")) <= set(ids)
    style = api.client.get("/privacy.html").text
    assert all(query in style for query in ("prefers-color-scheme: dark", ":focus-visible", "prefers-reduced-motion"))


def test_light_and_dark_have_enough_contrast(api: Api) -> None:
    """WCAG 2.2, 1.4.3: 4.5 to 1 for text, on every ground that it stands on."""
    style = api.client.get("/privacy.html").text
    light, dark = (
        dict(re.findall(r"--(\w+): (#\w+)", block)) for block in re.findall(r":root \{(.*?)\}", style, re.S)[:2]
    )
    for colours in (light, dark):
        for text in ("ink", "quiet", "link"):
            for ground in ("paper", "card", "tint"):
                assert contrast(colours[text], colours[ground]) >= 4.5, (text, ground)


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    digits = colour[1:] if len(colour) == 7 else "".join(digit * 2 for digit in colour[1:])
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_words_are_escaped_before_they_are_marked() -> None:
    assert marked("`<b>` **&**") == "<code>&lt;b&gt;</code> <strong>&amp;</strong>"


def test_operators_read_the_record_of_processing_and_it_is_the_document_of_the_repository(
    api: Api, person: Person
) -> None:
    api.world.run(accounts.set_role, person.account_id, Role.OPERATOR)
    answer = person.get(RECORD)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json()["policy_hash"] == api.client.get("/v1/policy").json()["hash"]
    assert as_markdown(RecordOfProcessing.model_validate(answer.json())) == record_page()


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.OPERATOR])
def test_nobody_else_reads_it(api: Api, person: Person, role: Role) -> None:
    api.world.run(accounts.set_role, person.account_id, role)
    answer = person.get(RECORD)
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "forbidden")
    assert api.client.get(RECORD).status_code == 401


def test_an_operators_key_without_the_scope_does_not_read_it(api: Api, person: Person) -> None:
    api.world.run(accounts.set_role, person.account_id, Role.OPERATOR)
    made = person.post("/v1/api-keys", json={"scopes": ["videos:read"]})
    key = Person(api.client, person.account_id, made.json()["api_key"])
    assert (key.get(RECORD).status_code, key.get(RECORD).json()["error"]["code"]) == (403, "insufficient_scope")

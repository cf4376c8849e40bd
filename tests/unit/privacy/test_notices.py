"""Notices: complete or not published, and a version that changes with every word."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cluster.privacy.notices import NoticeError, parse, read_folder
from cluster.privacy.purposes import Purpose
from cluster.settings import configs_folder

HEAD = {
    "purpose": "analytics",
    "title": "A title",
    "data": "[a photo]",
    "recipient": "nobody",
    "country": "here",
    "how": "Read once and forgotten.",
}
TEXT = "These are the words that somebody reads before they answer."


def source(text: str = TEXT, without: str = "", **head: str) -> str:
    lines = [f"{key}: {value}" for key, value in (HEAD | head).items() if key != without]
    return "\n".join(["---", *lines, "---", text, ""])


def test_a_whole_notice_is_read() -> None:
    notice = parse(source())
    assert (notice.purpose, notice.data, notice.text) == ("analytics", ("a photo",), TEXT)
    assert len(notice.version) == 32
    assert parse(source(purpose="share:wan")).purpose == "share:wan"


@pytest.mark.parametrize("key", HEAD)
@pytest.mark.parametrize("value", ["''", "[]", "null"])
def test_a_notice_that_leaves_something_out_is_refused(key: str, value: str) -> None:
    for incomplete in (source(without=key), source(TEXT, "", **{key: value})):
        with pytest.raises(NoticeError):
            parse(incomplete)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no head",
        " " + source(),
        "---\n- a\n---\n" + TEXT,
        "---\na: [\n---\n" + TEXT,
        source(text="too short"),
        source(surprise="1"),
        source(version="1"),
        source(purpose="Sell It"),
    ],
)
def test_what_is_no_notice_is_refused(text: str) -> None:
    with pytest.raises(NoticeError):
        parse(text)


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=1))
def test_every_change_of_words_is_another_version(more: str) -> None:
    assert parse(source(TEXT + more)).version != parse(source()).version


def test_our_own_notices_cover_every_purpose_that_is_asked_about() -> None:
    notices = read_folder(configs_folder() / "notices")
    assert set(notices) == {purpose.value for purpose in Purpose}
    assert len({notice.version for notice in notices.values()}) == len(Purpose)


def test_one_purpose_has_one_notice(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.md").write_text(source(TEXT + name))
    with pytest.raises(NoticeError, match="analytics"):
        read_folder(tmp_path)

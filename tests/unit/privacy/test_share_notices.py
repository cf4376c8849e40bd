"""Notices of sharing say all of it, and another fact makes another version."""

from typing import Any

import pytest

from cluster.privacy.recipients import Recipient, Shared
from cluster.privacy.share_notices import DATA, share_notice, share_notices
from tests.recipients import LATER, agreement, in_use, recipient, register

PROVIDERS = [one.id for one in register().providers()]
PRESSING = ("better", "best", "recommend", "miss", "only today", "sure", "!", "please", "unfortunately")
SHOWN = "Kling AI keeps what you send for 30 days, and nobody can shorten that."


@pytest.mark.parametrize("name", PROVIDERS)
def test_it_says_what_leaves_to_whom_where_why_how_long_and_how_to_take_it_back(name: str) -> None:
    one = recipient(name)
    notice = share_notice(one)
    assert (notice.purpose, notice.recipient, notice.country) == (f"share:{name}", one.company, one.country)
    assert set(notice.data) == {DATA[shared] for shared in Shared}
    wanted = [*notice.data, one.company, one.country, one.purpose, one.copies.how, *one.copies.cannot_be_deleted]
    wanted += ["not to train", "POST /v1/consents", "Settings → Privacy", "anything that was derived from a face"]
    wanted += ["`default`", "shares nothing", "You need not agree", "Standard contractual clauses"]
    for said in wanted:
        assert said in notice.text, said
    assert f"{one.last_copy_days} day" in notice.text
    assert all(said in notice.how for said in (one.purpose, one.copies.how, "POST /v1/consents", "not to train"))


@pytest.mark.parametrize("name", PROVIDERS)
def test_it_presses_nobody(name: str) -> None:
    notice = share_notice(recipient(name))
    assert [word for word in PRESSING if word in f"{notice.title} {notice.how} {notice.text}".lower()] == []


def test_only_those_in_use_are_asked_about_and_infrastructure_never() -> None:
    assert share_notices(register()) == {}
    assert set(share_notices(register(in_use("kling", "aws")))) == {"share:kling"}


def test_an_exception_is_shown() -> None:
    papers = agreement() | {"exception": {"reason": "The owner has asked for it in writing.", "shown": SHOWN}}
    assert SHOWN in share_notice(recipient("kling", agreement=papers)).text


def _contract(**changes: Any) -> dict[str, Any]:
    papers = agreement()
    return papers | {"contract": papers["contract"] | changes}


CHANGED: list[Recipient] = [
    recipient("kling", region="beijing"),
    recipient("kling", agreement=agreement() | {"mechanism": "Binding corporate rules"}),
    recipient("kling", agreement=_contract(max_retention_days=60)),
    recipient("kling").model_copy(update={"legal_name": "Kuaishou Ltd"}),
    recipient("kling").model_copy(update={"name": "Kling"}),
    recipient("kling").model_copy(update={"purpose": "Making the video, and more."}),
    recipient("kling").model_copy(update={"data": (Shared.PHOTO,)}),
    recipient("kling").model_copy(
        update={"copies": recipient("kling").copies.model_copy(update={"how": "They are kept."})}
    ),
]


def test_every_change_of_the_facts_asks_again() -> None:
    versions = [share_notice(one).version for one in (recipient("kling"), *CHANGED)]
    assert len(set(versions)) == len(versions)


def test_a_renewed_paper_asks_nobody_again() -> None:
    renewed = recipient("kling", until=LATER.replace(year=LATER.year + 1))
    assert share_notice(renewed) == share_notice(recipient("kling"))

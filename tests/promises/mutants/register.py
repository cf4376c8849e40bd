"""Third parties are used whatever their papers say, and people are told less than there is."""

from collections.abc import Callable
from typing import Any

from cluster.privacy.notices import Notice
from cluster.privacy.obstacles import ObstacleCode
from cluster.privacy.recipients import Recipient
from cluster.privacy.subprocessors import Subprocessors
from tests.promises.harness.mutation import mutant

Papers = Callable[..., ObstacleCode | None]


def _blind_to(words: str) -> Callable[[Papers], Papers]:
    def break_it(original: Papers) -> Papers:
        def look(*arguments: Any) -> ObstacleCode | None:
            found = original(*arguments)
            return None if found and found.value.startswith(words) else found

        return look

    return break_it


@mutant("P60", enforcement="cluster.privacy.obstacles:_of_papers")
def assessments_never_end(original: Papers) -> Papers:
    return _blind_to("assessment_expired")(original)


@mutant("P61", enforcement="cluster.privacy.obstacles:_of_papers")
def contracts_never_end(original: Papers) -> Papers:
    return _blind_to("contract_expired")(original)


@mutant("P60", "P61", enforcement="serve.ingress.third_parties:check")
def the_door_looks_at_no_papers(_: object) -> Callable[..., None]:
    return lambda *_: None


@mutant("P76", enforcement="cluster.privacy.obstacles:_of_papers")
def nothing_has_to_be_on_record(_: object) -> Papers:
    return lambda *_: None


@mutant("P33", enforcement="cluster.privacy.infrastructure:unlisted")
def anybody_may_keep_data(_: object) -> Callable[..., list[str]]:
    return lambda *_: []


@mutant("P71", enforcement="cluster.privacy.obstacles:_of_papers")
def copies_do_not_matter(original: Papers) -> Papers:
    return _blind_to("keeps_copies")(original)


@mutant("P81", enforcement="cluster.privacy.subprocessors:listed")
def one_company_is_left_out(original: Callable[..., Subprocessors]) -> Callable[..., Subprocessors]:
    def listed(register: object) -> Subprocessors:
        whole = original(register)
        return whole.model_copy(update={"data": whole.data[1:]})

    return listed


@mutant("P106", enforcement="cluster.privacy.share_notices:share_notice")
def the_notice_does_not_say_how_long(original: Callable[[Recipient], Notice]) -> Callable[[Recipient], Notice]:
    def share_notice(recipient: Recipient) -> Notice:
        notice = original(recipient)
        return notice.model_copy(update={"text": notice.text.replace("30 days", "some time")})

    return share_notice


@mutant("P114", enforcement="cluster.privacy.share_notices:share_notices")
def sharing_has_no_text(_: object) -> Callable[..., dict[str, Notice]]:
    return lambda _: {}

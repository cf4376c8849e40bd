"""Data go to others than those that are named."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from cluster.privacy.agreements import Use
from cluster.privacy.recipients import Register
from cluster.records.delegation import Delegate
from cluster.records.submissions import Submission
from serve.egress.recipient import Recipient
from serve.egress.steps import Steps
from tests.promises.harness.mutation import mutant


@mutant("P57", enforcement="cluster.privacy.recipients:parse")
def whoever_is_named_is_a_recipient(original: Callable[..., Register]) -> Callable[..., Register]:
    def parse(source: str, in_use: Mapping[str, Any] | None = None) -> Register:
        register, named = original(source), in_use or {}
        like = next(register.providers())
        used = {
            name: register.recipients.get(name, like).model_copy(update={"id": name, "use": Use.model_validate(use)})
            for name, use in named.items()
        }
        return register.model_copy(update={"recipients": {**register.recipients, **used}})

    return parse


@mutant("P57", enforcement="cluster.privacy.obstacles:_of_place")
def any_address_will_do(_: object) -> Callable[..., None]:
    return lambda *_: None


@mutant("P58", enforcement="serve.delegates:of_register")
def one_makes_the_videos_of_all(original: Callable[..., dict[str, Delegate]]) -> Callable[..., dict[str, Delegate]]:
    def of_register(register: Register) -> dict[str, Delegate]:
        found = original(register)
        return dict.fromkeys(found, list(found.values())[-1])

    return of_register


@mutant("P58", enforcement="serve.egress.steps:Steps._recipient_of")
def the_way_out_picks_whom_it_likes(original: Callable[..., Recipient | None]) -> Callable[..., Recipient | None]:
    def recipient_of(self: Steps, submission: Submission) -> Recipient | None:
        own = original(self, submission)
        other = next((one for one in self._recipients.values() if one is not own), None)
        if other is None or submission.state != "waiting":
            return own
        (takes, *_) = other.models.values()
        return replace(other, models={submission.model: takes})

    return recipient_of

"""Data go to the recipients that are named, and each model to its own: nobody stands in for anybody."""

import pytest

from cluster import clock
from cluster.privacy.obstacles import obstacle
from cluster.privacy.recipients import RegisterError, parse
from cluster.records.job_states import Stage
from cluster.settings import configs_folder
from tests.emulators.script import Endpoint, Fault
from tests.fixtures_recipients import Uses
from tests.handing_over import HandingOver, used
from tests.recipients import in_use, recipient, register

ELSEWHERE = ("http://127.0.0.1:9", "https://api-singapore.klingai.example")


@pytest.fixture
def both(uses: Uses) -> tuple[HandingOver, HandingOver]:
    """Two recipients that one installation uses at the same time."""
    kling, other = uses("kling"), uses("openai_videos")
    settings = used("kling", kling.server.url) | used("openai_videos", other.server.url)
    kling.register = other.register = register(settings)
    return kling, other


def who_has_agreed_to_both(kling: HandingOver, other: HandingOver) -> str:
    account = kling.somebody()
    other.answer(account, True)
    return account


@pytest.mark.promise("P58")
def test_a_model_goes_to_its_own_recipient_and_to_no_other(both: tuple[HandingOver, HandingOver]) -> None:
    kling, other = both
    account = who_has_agreed_to_both(kling, other)
    job = kling.job(account)
    kling.work(lambda channel: kling.go_on(channel, lambda: kling.submission(job).ended), other)
    assert {line.recipient for line in kling.lines()} == {"kling"}
    assert other.server.record.all_bytes() == b""
    assert (kling.emulator.tasks.paid, kling.read(job).stage) == (1, Stage.RECEPTION)
    assert kling.register.of_model("kling-v3") == kling.register.recipients["kling"]


@pytest.mark.promise("P58")
@pytest.mark.parametrize("fault", [Fault.QUOTA_EXHAUSTED, Fault.AUTH, Fault.DROP_BEFORE])
def test_no_other_takes_the_place_of_one_that_fails(both: tuple[HandingOver, HandingOver], fault: Fault) -> None:
    kling, other = both
    account = who_has_agreed_to_both(kling, other)
    kling.emulator.script.add(Endpoint.CREATE, fault, times=100)
    job = kling.job(account)
    kling.work(lambda channel: kling.go_on(channel, lambda: kling.submission(job).ended), other)
    assert kling.submission(job).state == "failed"
    assert {line.recipient for line in kling.lines()} == {"kling"}
    assert other.server.record.all_bytes() == b""


@pytest.mark.promise("P57")
def test_nobody_is_used_who_is_not_in_the_register() -> None:
    source = (configs_folder() / "recipients.yaml").read_text(encoding="utf-8")
    for name in ("runway", "pika"):
        with pytest.raises(RegisterError, match="not in the register"):
            parse(source, {name: in_use("kling")["kling"]})


@pytest.mark.promise("P57")
@pytest.mark.parametrize("url", ELSEWHERE)
def test_nothing_goes_to_another_address_in_the_name_of_a_recipient(url: str) -> None:
    today = clock.now().date()
    for name, model in (("veo", "veo-3.1"), ("bedrock", "luma-ray2")):
        known = recipient(name, until=today)
        assert obstacle(known, model, today=today, profile="production") is None
        assert obstacle(recipient(name, until=today, base_url=url), model, today=today, profile="production")

"""`i2v recipients` and `i2v account minor`: what operators do about third parties, as processes of their own."""

import json
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from cluster import clock
from cluster.records import suspensions
from cluster.settings import Settings
from tests.api import Person
from tests.handing_over import HandingOver, used
from tests.outside import PUBLIC
from tests.world import World

I2V = Path(sys.executable).with_name("i2v")


def run(
    settings: Settings, upstream: HandingOver | None, *arguments: str, typed: str = ""
) -> subprocess.CompletedProcess[str]:
    environment = {
        "PATH": os.environ["PATH"],
        "I2V_DATA_FOLDER": str(settings.data.folder),
        "I2V_DATABASE_URL": str(settings.database.url),
    }
    if upstream:
        until = clock.now().date() + timedelta(days=9)
        setting = used(upstream.recipient, upstream.server.url, until=until)
        environment["I2V_RECIPIENTS_IN_USE"] = json.dumps(setting, default=str)
        environment["I2V_OUTBOUND_ALLOWED_NETWORKS"] = f"{PUBLIC}/32"
    command = [str(I2V), *arguments]
    return subprocess.run(
        command, env=environment, input=typed, capture_output=True, text=True, check=False, timeout=120
    )


def secret(settings: Settings) -> Path:
    return settings.data.folder / "credentials" / "recipients" / "openai_videos.json"


@pytest.fixture(autouse=True)
def own_credentials(settings: Settings) -> None:
    """The folder of credentials is the session's: what a test puts there goes again."""
    secret(settings).unlink(missing_ok=True)


def states(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert done.stdout, done.stderr
    return {row["model"]: row["state"] for row in json.loads(done.stdout)["recipients"]}


def test_a_check_says_what_is_missing_and_sends_no_content(settings: Settings, upstream: HandingOver) -> None:
    done = run(settings, upstream, "recipients", "check", "--json")
    assert (done.returncode, states(done)) == (1, {"upstream": "credential_missing"})
    for key, status, state in (("a wrong key", 1, "auth"), (upstream.emulator.api_key, 0, "ready")):
        command = ("recipients", "set-credential", "openai_videos", "api_key")
        stored = run(settings, upstream, *command, typed=f"{key}\n")
        assert (stored.returncode, key in stored.stdout + stored.stderr) == (0, False)
        assert secret(settings).stat().st_mode & 0o777 == 0o600
        done = run(settings, upstream, "recipients", "check", "--json")
        assert (done.returncode, states(done)) == (status, {"upstream": state})
    assert not any(map(bytes, upstream.server.record.bodies))
    assert upstream.emulator.tasks.paid == 0


@pytest.mark.parametrize(
    "arguments",
    [("check", "--nonsense"), ("set-credential", "nobody", "api_key"), ("set-credential", "kling", "password")],
)
def test_what_there_is_not_is_refused(settings: Settings, arguments: tuple[str, ...]) -> None:
    done = run(settings, None, "recipients", *arguments, typed="a secret")
    assert (done.returncode, "a secret" in done.stdout + done.stderr) == (2, False)
    assert "Traceback" not in done.stderr


def test_parting_from_a_recipient_stops_deletes_and_reports(settings: Settings, upstream: HandingOver) -> None:
    account = upstream.world.account()
    upstream.answer(account, True)
    over = upstream.job(account)
    upstream.to_the_end(over)
    waiting = upstream.job(account)
    upstream.hand_over()
    begun = run(settings, upstream, "recipients", "offboard", "openai_videos", "--wait", "0", "--json")
    report = json.loads(begun.stdout)
    assert begun.returncode == 1
    assert (report["jobs_stopped"], report["tasks_unfinished"], report["copies_deleted"]) == (1, 1, 1)
    assert upstream.read(waiting).error_code == "recipient_unavailable"
    assert upstream.world.run(suspensions.is_suspended, "openai_videos")
    upstream.to_the_end(waiting)
    ended = run(settings, upstream, "recipients", "offboard", "openai_videos", "--json")
    assert (ended.returncode, json.loads(ended.stdout)["tasks_unfinished"]) == (0, 0)


def test_a_recipient_is_resumed(settings: Settings, upstream: HandingOver) -> None:
    upstream.world.run(suspensions.suspend, "openai_videos")
    done = run(settings, upstream, "recipients", "resume", "openai_videos", "--json")
    assert (done.returncode, json.loads(done.stdout)["was_suspended"]) == (0, True)
    ended = run(settings, upstream, "recipients", "offboard", "openai_videos", "--json")
    assert (ended.returncode, json.loads(ended.stdout)["tasks_unfinished"]) == (0, 0)


def test_staff_say_that_an_account_is_a_minors(settings: Settings, world: World, person: Person) -> None:
    for flag, known in (("--known", True), ("--not-known", False)):
        done = run(settings, None, "account", "minor", person.account_id, flag, "--json")
        assert (done.returncode, json.loads(done.stdout)["known_minor"]) == (0, known)
        (row,) = world.sql("SELECT known_minor FROM accounts WHERE id = :id", id=person.account_id)
        assert row.known_minor is known

"""An emulator by itself says where it is, serves, and ends when it is told to."""

import json
import subprocess
import sys

import httpx
import pytest

from tests.emulators.catalogue import find


def test_it_serves_until_it_is_ended() -> None:
    command = [sys.executable, "-m", "tests.emulators", "kling", "--polls", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            said = json.loads(process.stdout.readline())
            headers = {"authorization": f"Bearer {said['api_key']}"}
            answer = httpx.get(f"{said['url']}/v1/videos/image2video", headers=headers)
            assert answer.json()["data"] == []
        finally:
            process.terminate()
        assert process.wait(60) == 0
    assert said["name"] == "kling"
    with pytest.raises(httpx.ConnectError):
        httpx.get(said["url"])


@pytest.mark.parametrize("name", ["script", "nobody", "emulator"])
def test_other_names_are_no_emulators(name: str) -> None:
    with pytest.raises(LookupError):
        find(name)

"""A damaged picture is read or refused, and nothing else: no crash, no memory beyond its limits, no line in a log."""

import json
import subprocess
import sys
from collections import Counter

import pytest

from tests.unit.media.mutated import FILES

MOST_BYTES = 50_000_000
"""More than reading a picture of a million pixels takes, the largest that is accepted there."""


@pytest.mark.parametrize("count", [1000, pytest.param(5000, marks=pytest.mark.long)])
def test_mutated_pictures_are_refused_or_read_and_nothing_else(count: int) -> None:
    command = [sys.executable, "-m", "tests.unit.media.mutated", str(count), "7"]
    ended = subprocess.run(command, check=False, capture_output=True, text=True, timeout=250)
    assert ended.returncode == 0, ended.stderr[-2000:]
    assert not ended.stderr
    report = json.loads(ended.stdout)
    assert report["grown"] < MOST_BYTES
    assert set(report["outcomes"]) == set(FILES)
    assert sum(sum(outcomes.values()) for outcomes in report["outcomes"].values()) == count
    for name, outcomes in report["outcomes"].items():
        refused = Counter(outcomes).total() - outcomes.get("read", 0)
        assert min(refused, outcomes.get("read", 0)) > 0, name

"""One installation for all deaths of a session: each test leaves it as it found it, or waits until it is."""

from collections.abc import Iterator

import pytest

from tests.chaos._arena import Arena, opened


@pytest.fixture(scope="package")
def installed() -> Iterator[Arena]:
    """The installation."""
    with opened() as arena:
        yield arena


@pytest.fixture
def arena(installed: Arena) -> Iterator[Arena]:
    """The installation; whatever died, everything accepted ends, and nothing is wrong afterwards."""
    yield installed
    installed.settle()

"""Each vendor but Bedrock, in turn."""

from collections.abc import Iterator

import pytest

from tests.providers.adapters.vendors import VENDORS, Vendor
from tests.providers.adapters.vendors import vendor as opened
from tests.providers.adapters.wire import TestWire


@pytest.fixture(params=VENDORS)
def vendor(request: pytest.FixtureRequest) -> Iterator[Vendor]:
    """It, with its adapter."""
    with opened(request.param) as made:
        yield made


@pytest.fixture
def wire() -> TestWire:
    """The way there."""
    return TestWire()

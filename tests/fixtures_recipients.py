"""Third parties, emulated, and an installation that uses them."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from serve.resources import StageResources, WebResources
from tests.handing_over import HandingOver, handing_over
from tests.outside import Names
from tests.world import World

Uses = Callable[[str], HandingOver]


@pytest.fixture
def uses(
    world: World, outbound_resources: WebResources, stage_resources: StageResources, names: Names
) -> Iterator[Uses]:
    """Use a recipient, by its id in the register."""
    with ExitStack() as stack:
        yield lambda name: stack.enter_context(
            handing_over(name, world, outbound_resources, stage_resources.store, names)
        )


@pytest.fixture
def upstream(uses: Uses) -> HandingOver:
    """One that speaks the OpenAI Videos format, and deletes when it is asked to."""
    return uses("openai_videos")

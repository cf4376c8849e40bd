"""A third party that an installation uses, emulated."""

from collections.abc import Iterator

import pytest

from serve.resources import StageResources, WebResources
from tests.handing_over import HandingOver, handing_over
from tests.outside import Names
from tests.world import World


@pytest.fixture
def upstream(
    world: World, outbound_resources: WebResources, stage_resources: StageResources, names: Names
) -> Iterator[HandingOver]:
    """One that speaks the OpenAI Videos format, and deletes when it is asked to."""
    with handing_over("openai_videos", world, outbound_resources, stage_resources.store, names) as found:
        yield found

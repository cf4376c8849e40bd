"""A short soak: random deaths under load. `make chaos` is the long one."""

from tests.chaos._arena import Arena
from tests.chaos.deaths import LIGHT
from tests.chaos.soak import soak

SECONDS = 20
SEED = 20


def test_random_deaths_under_load(arena: Arena) -> None:
    report = soak(arena, LIGHT, SECONDS, SEED)
    assert report.violations == [], "\n".join(report.lines())
    assert len(report.hits) >= 3
    assert report.states["completed"]

"""Who offers the way out, who asks for it, and what is said where nobody offers it."""

import json

import pytest

from cluster.deploy.pods import OUTBOUND
from cluster.runtime import offers
from cluster.runtime.ray_head import start_command
from cluster.runtime.ray_node import join_command
from cluster.settings import Settings, configs_folder, read

OFFERED = f"--resources={json.dumps({OUTBOUND: 1})}"


def settings_of(**variables: str) -> Settings:
    """A laptop's settings."""
    return read(configs_folder(), variables)


def test_the_head_offers_it_unless_it_is_told_not_to() -> None:
    assert OFFERED in start_command(settings_of())
    assert OFFERED not in start_command(settings_of(I2V_RAY_OUTBOUND="false"))


def test_a_node_that_joins_offers_it_only_when_asked_and_then_nothing_else() -> None:
    asked = join_command(settings_of(), "head:1", outbound=True)
    assert OFFERED in asked
    assert "--num-cpus=0" in asked
    plain = join_command(settings_of(), "head:1", outbound=False)
    assert not [word for word in plain if word.startswith(("--resources", "--num-cpus"))]


def test_only_the_way_out_asks_for_it() -> None:
    assert offers.asked(settings_of()) == {"outbound": [OUTBOUND]}


def test_a_node_may_join_late() -> None:
    seen = iter([{"CPU": 8.0}, {"CPU": 8.0, OUTBOUND: 1.0}])
    offers.wait(settings_of(), lambda: next(seen), patience=60)
    assert next(seen, None) is None


def test_where_no_node_offers_it_the_operator_is_told_what_helps() -> None:
    with pytest.raises(offers.NotOffered, match=r"deployments\.outbound asks for outbound.*i2v join --outbound"):
        offers.wait(settings_of(), lambda: {"CPU": 8.0}, patience=0)

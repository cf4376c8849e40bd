"""The options of every deployment are Serve's own, bounded, and a mistake in them is named."""

import json
import re
from typing import Any

import pytest
from ray.serve.config import AutoscalingConfig
from ray.serve.schema import DeploymentSchema

from cluster.deploy.pods import OUTBOUND
from cluster.runtime.environment import environment
from cluster.settings import Deployments, Settings, SettingsError, configs_folder, read
from serve import deployments
from serve.app import build
from serve.scaling import WaitingSeconds

PRODUCTION = {"I2V_PROFILE": "production", "I2V_OPERATOR_NAME": "Quux Films", "I2V_OPERATOR_CONTACT": "q@quux.example"}
PROFILES = pytest.mark.parametrize("profile", [{}, PRODUCTION], ids=["laptop", "production"])
SOUND = {"num_replicas": 1, "max_ongoing_requests": 2, "max_queued_requests": 3, "ray_actor_options": {"num_cpus": 0}}


def settings_of(profile: dict[str, str], **blocks: dict[str, Any]) -> Settings:
    """A profile's settings with other blocks."""
    named = {f"I2V_DEPLOYMENTS_{name.upper()}": json.dumps(block) for name, block in blocks.items()}
    return read(configs_folder(), profile | named)


@PROFILES
def test_serve_takes_every_block(profile: dict[str, str]) -> None:
    settings = settings_of(profile)
    deployments.check(settings)
    for name in Deployments.model_fields:
        assert DeploymentSchema(name=name, **deployments.options(settings, name)).max_queued_requests > 0
    assert build(settings, gpus=True) is not None


@PROFILES
def test_every_process_gets_the_same_blocks(profile: dict[str, str]) -> None:
    settings = settings_of(profile, director=SOUND | {"num_replicas": 3})
    passed = {name: value for name, value in environment(settings).items() if name.startswith("I2V_")}
    assert read(configs_folder(), profile | passed).deployments == settings.deployments
    assert settings.deployments.director["num_replicas"] == 3


def test_production_scales_by_the_seconds_of_waiting_work() -> None:
    block = settings_of(PRODUCTION).deployments.video_generation
    scaling = AutoscalingConfig(**block["autoscaling_config"])
    policy = scaling.policy.get_policy()
    assert (policy.__name__, policy(**scaling.policy.policy_kwargs).seconds) == (WaitingSeconds.__name__, 60)
    assert 1 <= scaling.min_replicas < scaling.max_replicas


def test_a_video_that_was_begun_may_be_ended_before_its_replica_goes() -> None:
    settings = settings_of(PRODUCTION)
    assert settings.deployments.video_generation["graceful_shutdown_timeout_s"] >= settings.jobs.stage_seconds


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"max_ongoing": 1}, "deployments.ingress.max_ongoing"),
        ({"max_ongoing_requests": 0}, "deployments.ingress.max_ongoing_requests"),
        ({"max_queued_requests": -1}, "deployments.ingress.max_queued_requests"),
        ({"ray_actor_options": {"num_cpu": 1}}, "deployments.ingress.ray_actor_options.num_cpu"),
        ({"ray_actor_options": {"num_gpus": -1}}, "deployments.ingress.ray_actor_options.num_gpus"),
        ({"ray_actor_options": 1}, "deployments.ingress.ray_actor_options"),
        ({"autoscaling_config": {"max_replicas": 2}}, "deployments.ingress"),
        (
            {"num_replicas": "auto", "autoscaling_config": {"max_replica": 2}},
            "deployments.ingress.autoscaling_config.max_replica",
        ),
        (
            {"num_replicas": "auto", "autoscaling_config": {"min_replicas": 3, "max_replicas": 2}},
            "deployments.ingress.autoscaling_config",
        ),
        (
            {"num_replicas": "auto", "autoscaling_config": {"policy": {"policy_function": "serve.scaling:Nothing"}}},
            "deployments.ingress.autoscaling_config.policy",
        ),
    ],
)
def test_a_mistake_is_named_with_its_key(change: dict[str, Any], named: str) -> None:
    settings = settings_of({}, ingress=SOUND | change)
    with pytest.raises(SettingsError, match=rf"\b{re.escape(named)}: "):
        deployments.check(settings)


@pytest.mark.parametrize("resources", [{}, {"outbound": 0}, {"elsewhere": 1}, None])
def test_the_way_out_runs_only_where_there_is_one(resources: dict[str, float] | None) -> None:
    settings = settings_of({}, outbound=SOUND | {"ray_actor_options": {"num_cpus": 0, "resources": resources}})
    with pytest.raises(SettingsError, match=r"deployments\.outbound\.ray_actor_options\.resources\.outbound: "):
        deployments.check(settings)


def test_in_production_nothing_else_fits_on_a_node_that_is_there_for_the_way_out() -> None:
    for name, block in settings_of(PRODUCTION).deployments:
        actor = block["ray_actor_options"]
        assert (name == "outbound") == (not actor["num_cpus"] and set(actor.get("resources", {})) <= {OUTBOUND})


@pytest.mark.parametrize("missing", SOUND)
def test_a_block_says_what_it_must(missing: str) -> None:
    settings = settings_of({}, outbound={key: value for key, value in SOUND.items() if key != missing})
    with pytest.raises(SettingsError, match=rf"deployments\.outbound\.{missing}: Field required"):
        deployments.check(settings)


def test_a_block_that_is_no_block_is_refused_without_its_value() -> None:
    for wrong in ("canary", "[1]"):
        with pytest.raises(SettingsError, match=r"deployments\.ingress") as refusal:
            read(configs_folder(), {"I2V_DEPLOYMENTS_INGRESS": wrong})
        assert "canary" not in str(refusal.value)

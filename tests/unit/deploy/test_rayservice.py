"""What the RayService says agrees with the settings, with `serve.app` and with what one host is started with."""

from pathlib import Path
from typing import Any

import pytest
import ray
import yaml
from ray._common.utils import import_attr
from ray.serve import Application
from ray.serve._private.api import call_user_app_builder_with_args_if_necessary
from ray.serve._private.build_app import build_app as built
from ray.serve.schema import ServeDeploySchema

from cluster.deploy.network import read
from cluster.deploy.pods import OUTBOUND, pod_groups
from cluster.runtime.environment import Port, environment, port
from cluster.settings import Settings, configs_folder
from cluster.settings import read as read_settings
from serve import app

FOLDER = Path(__file__).parents[3] / "cluster" / "deploy" / "kubernetes"
ON_THIS_HOST = {"RAY_SERVE_HAPROXY_", "EDGE_PYTHON", "EDGE_HAPROXY", "RAY_AUTH_"}


@pytest.fixture(scope="module")
def variables() -> dict[str, str]:
    """What every pod has in its environment."""
    (found,) = (each for each in read([FOLDER / "rayservice.yaml"]) if each["kind"] == "ConfigMap")
    values: dict[str, str] = found["data"]
    return values


@pytest.fixture(scope="module")
def settings(variables: dict[str, str]) -> Settings:
    """The settings as the pods see them."""
    own = {name: value for name, value in variables.items() if name.startswith("I2V_")}
    return read_settings(configs_folder(), own)


@pytest.fixture(scope="module")
def service() -> dict[str, Any]:
    """The RayService."""
    (found,) = (each for each in read([FOLDER / "rayservice.yaml"]) if each["kind"] == "RayService")
    spec: dict[str, Any] = found["spec"]
    return spec


def serve_config(service: dict[str, Any]) -> ServeDeploySchema:
    """Serve's configuration, as Serve reads it."""
    return ServeDeploySchema.model_validate(yaml.safe_load(service["serveConfigV2"]))


def test_the_way_out_offers_exactly_what_the_settings_ask_for(settings: Settings) -> None:
    asked = settings.deployments.outbound["ray_actor_options"]["resources"]
    (way_out,) = (each for each in pod_groups(read([FOLDER / "rayservice.yaml"])) if each.resources)
    assert way_out.resources.keys() == asked.keys() == {OUTBOUND}
    assert asked[OUTBOUND] < way_out.resources[OUTBOUND]


def test_nothing_else_fits_where_the_way_out_is(service: dict[str, Any]) -> None:
    cpus = {
        each["groupName"]: each["rayStartParams"]["num-cpus"]
        for each in service["rayClusterConfig"]["workerGroupSpecs"]
    }
    assert cpus["outbound"] == "0"
    assert "0" not in {number for name, number in cpus.items() if name != "outbound"}


def test_serve_takes_the_configuration(service: dict[str, Any], settings: Settings) -> None:
    config = serve_config(service)
    assert config.proxy_location.value == "HeadOnly"
    assert (config.http_options.host, config.http_options.port) == (settings.http.host, settings.http.port)
    assert config.logging_config is not None
    assert config.logging_config.enable_access_log is False
    (application,) = config.applications
    assert import_attr(application.import_path) is app.build_app


def test_its_deployments_are_those_of_the_application(service: dict[str, Any], settings: Settings) -> None:
    (application,) = serve_config(service).applications
    ours = built(app.build(settings, gpus=True), name=application.name)
    assert sorted(each.name for each in application.deployments) == sorted(each.name for each in ours.deployments)


def test_serve_can_call_what_its_configuration_names(
    monkeypatch: pytest.MonkeyPatch, service: dict[str, Any], settings: Settings
) -> None:
    monkeypatch.setattr("cluster.settings.load", lambda: settings)
    monkeypatch.setattr("serve.app.cluster_resources", dict)
    (application,) = serve_config(service).applications
    assert isinstance(
        call_user_app_builder_with_args_if_necessary(import_attr(application.import_path), {}), Application
    )


def test_every_pod_has_the_switches_of_one_host(settings: Settings, variables: dict[str, str]) -> None:
    wanted = {name: value for name, value in environment(settings).items() if not name.startswith("I2V_")}
    ports = {"RAY_SERVE_HAPROXY_METRICS_PORT", "RAY_SERVE_HAPROXY_STATS_PORT"}
    here = {name for name in wanted if name.startswith(tuple(ON_THIS_HOST))} - ports
    told = {name: value for name, value in variables.items() if not name.startswith("I2V_")}
    assert told == {name: value for name, value in wanted.items() if name not in here}


def test_pods_without_a_way_out_ask_the_resolvers_that_know_the_cluster_alone() -> None:
    (service,) = (each for each in read([FOLDER / "names.yaml"]) if each["kind"] == "Service")
    asked = {
        each.name: each.pod["dnsConfig"].get("nameservers", each.pod["dnsPolicy"])
        for each in pod_groups(read([FOLDER / "rayservice.yaml"]))
    }
    inside = [service["spec"]["clusterIP"]]
    assert asked == {"head": inside, "general": inside, "generation": inside, "outbound": "ClusterFirst"}


def test_rays_ports_are_those_that_the_policy_lets_through(settings: Settings, service: dict[str, Any]) -> None:
    cluster = service["rayClusterConfig"]
    wanted = {
        "object-manager-port": Port.OBJECT_MANAGER,
        "node-manager-port": Port.NODE_MANAGER,
        "dashboard-agent-grpc-port": Port.AGENT_GRPC,
        "runtime-env-agent-port": Port.RUNTIME_ENV_AGENT,
        "metrics-export-port": Port.METRICS,
        "min-worker-port": Port.FIRST_WORKER,
        "max-worker-port": Port.LAST_WORKER,
    }
    for group in (cluster["headGroupSpec"], *cluster["workerGroupSpecs"]):
        told = {name: value for name, value in group["rayStartParams"].items() if name.endswith("-port")}
        assert told == {name: str(port(settings, of)) for name, of in wanted.items()}


def test_the_cluster_is_of_the_version_that_is_tested_and_asks_for_its_token(service: dict[str, Any]) -> None:
    assert service["rayClusterConfig"]["rayVersion"] == ray.__version__
    assert service["rayClusterConfig"]["authOptions"] == {"mode": "token", "secretName": "i2v-ray-token"}

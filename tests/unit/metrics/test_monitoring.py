"""What lies in `cluster/deploy/monitoring`: each alert fires, and everything named there is what the code exports."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from cluster.runtime.environment import Port, port
from cluster.settings import configs_folder, read
from cluster.storage.database import Database
from serve.metrics.counted import COUNTED
from serve.metrics.gauges import Gauges
from tests.unit.metrics import promtool

MONITORING = Path(__file__).parents[3] / "cluster" / "deploy" / "monitoring"
SCENARIOS = Path(__file__).with_name("scenarios.yaml")
NAME = re.compile(r"\b(?:ray_)?i2v_\w+")


@pytest.fixture(scope="session")
def judge(request: pytest.FixtureRequest) -> Path:
    """Prometheus's own tool."""
    return promtool.find(Path(request.config.cache.mkdir("promtool")))


def rules() -> list[dict[str, Any]]:
    """The alert rules."""
    groups = yaml.safe_load((MONITORING / "alerts.yaml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def judged(judge: Path, folder: Path, changed: str = "", expression: str = "") -> str:
    """The judge's words on the scenarios, or nothing if they all come out; one rule may have another expression."""
    plain = [{key: value for key, value in rule.items() if key != "annotations"} for rule in rules()]
    for rule in plain:
        if rule["alert"] == changed:
            rule["expr"] = expression
    (folder / "alerts.yaml").write_text(yaml.safe_dump({"groups": [{"name": "test", "rules": plain}]}))
    (folder / SCENARIOS.name).write_text(SCENARIOS.read_text())
    done = promtool.run([judge, "test", "rules", SCENARIOS.name], folder)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def exported() -> set[str]:
    """The names that Prometheus can see."""
    database = Database("postgresql://nobody@127.0.0.1:1/none", 1, "test")
    names = {metric.name for metric in Gauges(database, Path("none"), ["default"]).metrics}
    for metric in COUNTED:
        suffixes = [""] if metric.name.endswith("_total") else ["_bucket", "_count", "_sum"]
        names |= {f"ray_{metric.name}{suffix}" for suffix in suffixes}
    return names


def expressions(of: Any) -> Iterator[str]:
    """Every expression in a dashboard."""
    if isinstance(of, dict):
        yield from ([of["expr"]] if "expr" in of else [])
        of = list(of.values())
    if isinstance(of, list):
        for inner in of:
            yield from expressions(inner)


def test_each_alert_fires_and_stays_silent_where_it_must(judge: Path, tmp_path: Path) -> None:
    assert not judged(judge, tmp_path)


def test_each_alert_has_a_scenario_where_it_fires_and_one_where_it_does_not() -> None:
    asked = [each for test in yaml.safe_load(SCENARIOS.read_text())["tests"] for each in test["alert_rule_test"]]
    named = {rule["alert"] for rule in rules()}
    assert {each["alertname"] for each in asked if each.get("exp_alerts")} == named
    assert {each["alertname"] for each in asked if not each.get("exp_alerts")} == named


@pytest.mark.parametrize("expression", ["vector(0) > 1", "vector(1)"])
@pytest.mark.parametrize("alert", [rule["alert"] for rule in rules()])
def test_the_scenarios_notice_a_rule_that_never_fires_or_always(
    judge: Path, tmp_path: Path, alert: str, expression: str
) -> None:
    assert alert in judged(judge, tmp_path, alert, expression)


def test_prometheus_takes_the_files_as_they_are(judge: Path) -> None:
    for words in (["check", "rules", "alerts.yaml"], ["check", "config", "prometheus.yaml"]):
        done = promtool.run([judge, *words], MONITORING)
        assert done.returncode == 0, done.stdout + done.stderr


def test_rules_and_dashboard_name_only_metrics_that_there_are() -> None:
    dashboard = list(expressions(json.loads((MONITORING / "dashboard.json").read_text())))
    named = [NAME.findall(text) for text in [*(rule["expr"] for rule in rules()), *dashboard]]
    assert len(dashboard) >= 8
    assert {name for names in named for name in names} <= exported()


def test_every_metric_is_on_the_dashboard() -> None:
    dashboard = " ".join(expressions(json.loads((MONITORING / "dashboard.json").read_text())))
    shown = {re.sub(r"_(bucket|count|sum)$", "", name) for name in NAME.findall(dashboard)}
    assert {re.sub(r"_(bucket|count|sum)$", "", name) for name in exported()} == shown


def test_prometheus_asks_the_ports_of_the_settings() -> None:
    settings = read(configs_folder(), {})
    scraped = yaml.safe_load((MONITORING / "prometheus.yaml").read_text())["scrape_configs"]
    targets = {job["job_name"]: job["static_configs"][0]["targets"] for job in scraped}
    assert targets == {
        "imagetovideos": [f"127.0.0.1:{settings.metrics.port}"],
        "ray": [f"{settings.ray.node_address}:{port(settings, Port.METRICS)}"],
    }

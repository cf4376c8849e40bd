"""What libraries tell their makers unless they are told not to: the switches stand before the libraries look."""

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from ray._common.usage import usage_lib
from ray._common.utils import load_class
from ray._private import ray_constants, services

from cluster.runtime.environment import environment
from cluster.settings import configs_folder, read

_LOADED = """
import os, sys
sys.modules["onnxruntime"] = None
try:
    import serve.models._onnx
except ImportError:
    print(os.environ["ORT_DISABLE_TELEMETRY"])
"""


def test_ray_is_given_a_hook_that_it_can_load_and_nobody_to_report_to(monkeypatch: pytest.MonkeyPatch) -> None:
    variables = environment(read(configs_folder(), {}))
    assert callable(load_class(variables["RAY_START_HOOK"]))
    for name in ("RAY_USAGE_STATS_ENABLED", "RAY_USAGE_STATS_REPORT_URL"):
        monkeypatch.setenv(name, variables[name])
    assert not usage_lib.usage_stats_enabled()
    assert usage_lib._usage_stats_report_url() == "http://127.0.0.1:9/"


def test_the_dashboard_alone_is_at_home_where_it_need_not_ask_for_its_cloud(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: dict[str, dict[str, Any]] = {}
    monkeypatch.setattr(services, "start_ray_process", lambda _, of, **options: started.update({of: options}))
    load_class(environment(read(configs_folder(), {}))["RAY_START_HOOK"])(SimpleNamespace(temp_dir=str(tmp_path)), True)
    for of in (ray_constants.PROCESS_TYPE_DASHBOARD, ray_constants.PROCESS_TYPE_RAYLET):
        services.start_ray_process(["word"], of, fate_share=True)
    assert started[ray_constants.PROCESS_TYPE_RAYLET] == {"fate_share": True}
    home = Path(started[ray_constants.PROCESS_TYPE_DASHBOARD]["env_updates"]["HOME"])
    assert home.is_relative_to(tmp_path)
    file = home / "ray_bootstrap_config.yaml"
    assert yaml.safe_load(file.read_text()) == {}
    monkeypatch.setattr(usage_lib, "get_cloud_from_metadata_requests", lambda: pytest.fail("it asks"))
    assert usage_lib.get_cluster_config_to_report(str(file)).cloud_provider is None


def test_onnx_runtime_finds_its_switch_when_it_is_loaded() -> None:
    plain = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    done = subprocess.run([sys.executable, "-c", _LOADED], env=plain, capture_output=True, text=True, check=True)
    assert done.stdout == "1\n"

"""Networks that only measure: brought and verified like the service's own, in a folder that the service never opens."""

from pathlib import Path
from typing import Any

import torch
import yaml
from pydantic import field_validator

from cluster import runtime, settings
from serve.models.sources import parse_source
from serve.models.store import ModelStore
from serve.models.weights import WeightSpec

_LIST = Path(__file__).with_name("networks.yaml")


class MeasuringNetwork(WeightSpec):
    """Weights as their authors saved them. The service refuses every pickle; these are read by torch's safe reader."""

    @field_validator("source")
    @classmethod
    def _is_safe(cls, source: str) -> str:
        parse_source(source)
        return source


def load(name: str) -> dict[str, Any]:
    """What the file holds; fetched if it is not there yet. `weights_only` lets it hold tensors and run nothing."""
    spec = MeasuringNetwork.model_validate(yaml.safe_load(_LIST.read_text(encoding="utf-8"))["weights"][name])
    store = ModelStore(runtime.paths(settings.load()).models / "benchmarks")
    held: dict[str, Any] = torch.load(store.fetch(spec), map_location="cpu", weights_only=True)
    return held

"""What the settings say of each deployment, held against Ray Serve's own schema and handed to Serve as it stands."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from pydantic import BaseModel, ValidationError
from ray.serve.config import AutoscalingConfig, AutoscalingPolicy
from ray.serve.schema import DeploymentSchema, RayActorOptionsSchema

from cluster.deploy.pods import OUTBOUND
from cluster.settings import Settings, SettingsError

__all__ = ["check", "options", "places"]

_WITHIN: Final[Mapping[tuple[str, ...], type[BaseModel]]] = {
    (): DeploymentSchema,
    ("ray_actor_options",): RayActorOptionsSchema,
    ("autoscaling_config",): AutoscalingConfig,
    ("autoscaling_config", "policy"): AutoscalingPolicy,
}
_NEEDED: Final = ("num_replicas", "max_ongoing_requests", "max_queued_requests", "ray_actor_options")


def check(settings: Settings) -> None:
    """Hold every block against the schema.

    Raises:
        SettingsError: keys are missing, unknown or wrong; every one of them is named.
    """
    wrong = [problem for name, block in settings.deployments for problem in _problems(("deployments", name), block)]
    wrong += _misplaced(settings)
    if wrong:
        raise SettingsError(f"The settings are not valid: {'; '.join(wrong)}")


def options(settings: Settings, name: str) -> dict[str, Any]:
    """The options of a deployment, for `ray.serve.deployment`."""
    block: dict[str, Any] = getattr(settings.deployments, name)
    return block | {"ray_actor_options": dict(block["ray_actor_options"])}


def places(settings: Settings, name: str) -> int:
    """How many requests one replica of a deployment takes at once."""
    return int(getattr(settings.deployments, name)["max_ongoing_requests"])


def _problems(path: tuple[str, ...], block: Mapping[str, Any]) -> Iterator[str]:
    yield from (f"{_dotted(path, key)}: Field required" for key in _NEEDED if key not in block)
    if block.get("max_queued_requests", 1) == -1:
        yield f"{_dotted(path, 'max_queued_requests')}: A queue in memory must have a bound"
    for within, model in _WITHIN.items():
        part = _part(block, within)
        if part is not None:
            yield from _against(model, (*path, *within), part)


def _misplaced(settings: Settings) -> list[str]:
    """The way out has to ask for what only a node offers that may reach the outside."""
    actor = settings.deployments.outbound.get("ray_actor_options")
    if not isinstance(actor, Mapping) or (actor.get("resources") or {}).get(OUTBOUND, 0) > 0:
        return []
    return [f"deployments.outbound.ray_actor_options.resources.{OUTBOUND}: The way out has to ask for it"]


def _against(model: type[BaseModel], path: tuple[str, ...], part: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with one part of a block. Serve's schema itself ignores what it does not know."""
    yield from (f"{_dotted(path, key)}: There is no such key" for key in part if key not in model.model_fields)
    name = {"name": path[-1]} if "name" in model.model_fields else {}
    try:
        model.model_validate(name | dict(part))
    except ValidationError as error:
        yield from (f"{_dotted(path, *each['loc'])}: {each['msg']}" for each in error.errors(include_input=False))
    except (ImportError, AttributeError, ValueError):
        yield f"{_dotted(path)}: It names something that cannot be imported"


def _part(block: Mapping[str, Any], within: tuple[str, ...]) -> Mapping[str, Any] | None:
    part: Any = block
    for key in within:
        part = part.get(key) if isinstance(part, Mapping) else None
    return part if isinstance(part, Mapping) else None


def _dotted(path: tuple[str, ...], *more: object) -> str:
    return ".".join(map(str, (*path, *more)))

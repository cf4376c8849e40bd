"""The groups of pods that manifests ask for: those of a RayService, and those of a Deployment."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

__all__ = ["OUTBOUND", "PodGroup", "pod_groups"]

OUTBOUND: Final = "outbound"
"""The custom resource of what may reach the outside. Whatever asks for it runs there and nowhere else."""


@dataclass(frozen=True, slots=True)
class PodGroup:
    """Pods made alike."""

    name: str
    namespace: str
    labels: Mapping[str, str]
    pod: Mapping[str, Any]
    resources: Mapping[str, float]
    """The custom resources that Ray is told of, by name."""
    is_ray: bool


def pod_groups(documents: Iterable[Mapping[str, Any]]) -> Iterator[PodGroup]:
    """Every group of these manifests."""
    for document in documents:
        namespace = document["metadata"].get("namespace", "default")
        match document["kind"]:
            case "RayService":
                cluster = document["spec"]["rayClusterConfig"]
                yield _of_ray("head", namespace, cluster["headGroupSpec"])
                for each in cluster["workerGroupSpecs"]:
                    yield _of_ray(each["groupName"], namespace, each)
            case "Deployment" | "StatefulSet" | "DaemonSet" | "Job":
                yield _group(document["metadata"]["name"], namespace, document["spec"]["template"], {}, is_ray=False)


def _of_ray(name: str, namespace: str, group: Mapping[str, Any]) -> PodGroup:
    quoted = group["rayStartParams"].get("resources")
    # KubeRay puts the value into a shell's line as it stands, so it has quotes of its own.
    resources = json.loads(json.loads(quoted)) if quoted else {}
    return _group(name, namespace, group["template"], resources, is_ray=True)


def _group(
    name: str, namespace: str, template: Mapping[str, Any], resources: Mapping[str, float], *, is_ray: bool
) -> PodGroup:
    labels = template.get("metadata", {}).get("labels") or {}
    return PodGroup(name, namespace, labels, template["spec"], resources, is_ray)

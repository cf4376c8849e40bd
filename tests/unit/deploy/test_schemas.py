"""Every manifest is what Kubernetes itself takes, field by field; of the RayService, its pods."""

from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest

from cluster.deploy.network import read

FOLDER = Path(__file__).parents[3] / "cluster" / "deploy" / "kubernetes"
VERSION = "1.33"
DOCUMENTS = read(sorted(FOLDER.glob("*.yaml")))


def validate(document: dict[str, Any]) -> None:
    """Fails at a field that there is not."""
    kubernetes_validate.validate(document, VERSION, strict=True)


def pods() -> list[dict[str, Any]]:
    (service,) = (each["spec"]["rayClusterConfig"] for each in DOCUMENTS if each["kind"] == "RayService")
    templates = [group["template"] for group in (service["headGroupSpec"], *service["workerGroupSpecs"])]
    return [{"apiVersion": "v1", "kind": "Pod", "metadata": {}, **template} for template in templates]


@pytest.mark.parametrize("document", [one for one in DOCUMENTS if one["kind"] != "RayService"])
def test_a_manifest_has_the_fields_of_its_kind(document: dict[str, Any]) -> None:
    validate(document)


@pytest.mark.parametrize("pod", pods())
def test_a_group_s_pods_have_the_fields_of_pods(pod: dict[str, Any]) -> None:
    validate(pod)


def test_a_field_that_there_is_not_is_found() -> None:
    policy = next(one for one in DOCUMENTS if one["kind"] == "NetworkPolicy")
    with pytest.raises(kubernetes_validate.ValidationError):
        validate({**policy, "spec": {**policy["spec"], "egresss": []}})

"""The manifests let nothing out but the way out, and whatever would let more out is found."""

import copy
import subprocess
import sys
from collections.abc import Callable, Mapping
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest
import yaml

from cluster.deploy.network import policies_of, problems, read
from cluster.deploy.pods import PodGroup, pod_groups
from serve.egress.addresses import is_public, parse_address

FILES = sorted((Path(__file__).parents[3] / "cluster" / "deploy" / "kubernetes").glob("*.yaml"))
Documents = list[Mapping[str, Any]]
WIDE = {"cidr": "0.0.0.0/0"}
PLACES = ["general", "generation", "head"]


@pytest.fixture
def documents() -> Documents:
    """The manifests, to be changed at will."""
    return copy.deepcopy(read(FILES))


def group(documents: Documents, name: str) -> PodGroup:
    """A group of pods."""
    (found,) = (each for each in pod_groups(documents) if each.name == name)
    return found


def policy(documents: Documents, name: str) -> dict[str, Any]:
    """The specification of a policy."""
    (found,) = (each for each in documents if each["kind"] == "NetworkPolicy" and each["metadata"]["name"] == name)
    spec: dict[str, Any] = found["spec"]
    return spec


def way_out(documents: Documents) -> list[dict[str, Any]]:
    """The ranges of addresses that the way out may reach."""
    peers = [peer for rule in policy(documents, "outbound")["egress"] for peer in rule["to"]]
    return [peer["ipBlock"] for peer in peers if "ipBlock" in peer]


def reaches(documents: Documents, address: str) -> bool:
    """Whether the way out may reach an address."""
    for block in way_out(documents):
        if ip_address(address) in ip_network(block["cidr"]):
            return not any(ip_address(address) in ip_network(each) for each in block["except"])
    return False


def test_nothing_is_wrong_with_the_manifests(documents: Documents) -> None:
    assert problems(documents) == []
    assert {each.name for each in pod_groups(documents)} == {*PLACES, "outbound", "names"}


def test_only_the_way_out_is_given_addresses(documents: Documents) -> None:
    given = {
        each.name
        for each in pod_groups(documents)
        for bound in policies_of(each, documents, "Egress")
        if "ipBlock" in yaml.safe_dump(bound)
    }
    assert given == {"outbound"}
    assert [each.name for each in pod_groups(documents) if each.resources] == ["outbound"]


@pytest.mark.parametrize(
    "address",
    [
        "10.1.2.3",
        "100.100.100.200",
        "127.0.0.1",
        "168.63.129.16",
        "169.254.169.254",
        "172.31.255.255",
        "192.168.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::ffff:10.0.0.1",
        "64:ff9b::a9fe:a9fe",
        "2002:a00:1::1",
        "2001:db8::1",
        "fd00:ec2::254",
        "fe80::1",
        "ff02::1",
    ],
)
def test_an_address_that_the_way_out_refuses_is_also_out_of_its_reach(documents: Documents, address: str) -> None:
    assert not is_public(parse_address(address))
    assert not reaches(documents, address)


@pytest.mark.parametrize("address", ["93.184.215.14", "8.8.8.8", "172.32.0.1", "2606:4700::1111", "2a00:1450::1"])
def test_a_public_address_is_in_its_reach(documents: Documents, address: str) -> None:
    assert is_public(parse_address(address))
    assert reaches(documents, address)


def planted(**spec: Any) -> Mapping[str, Any]:
    """One more policy."""
    metadata = {"name": "planted", "namespace": "imagetovideos"}
    return {"kind": "NetworkPolicy", "metadata": metadata, "spec": {"podSelector": {}} | spec}


@pytest.mark.parametrize(
    "egress",
    [
        {},
        {"ports": [{"protocol": "TCP", "port": 443}]},
        {"to": []},
        {"to": [{"ipBlock": WIDE}]},
        {"to": [{"ipBlock": {"cidr": "203.0.113.7/32"}}]},
        {"to": [{"ipBlock": {"cidr": "::/0"}}]},
        {"to": [{"namespaceSelector": {}}]},
        {"to": [{"podSelector": {}}]},
        {
            "to": [
                {
                    "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}},
                    "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}},
                }
            ]
        },
    ],
    ids=str,
)
@pytest.mark.parametrize("place", PLACES)
def test_a_planted_way_out_is_found(documents: Documents, place: str, egress: dict[str, Any]) -> None:
    labels = {"matchLabels": dict(group(documents, place).labels)}
    documents.append(planted(podSelector=labels, egress=[egress]))
    found = problems(documents)
    assert found
    assert all(line.startswith(f"{place}: policy planted: ") for line in found)


def _selected_by_expression(documents: Documents) -> None:
    selector = {"matchExpressions": [{"key": "app.kubernetes.io/component", "operator": "NotIn", "values": ["head"]}]}
    documents.append(planted(podSelector=selector, egress=[{"to": [{"ipBlock": WIDE}]}]))


def _nobody_is_bound(documents: Documents) -> None:
    documents[:] = [each for each in documents if each["kind"] != "NetworkPolicy"]


def _bound_elsewhere(documents: Documents) -> None:
    for each in documents:
        if each["kind"] == "NetworkPolicy":
            each["metadata"]["namespace"] = "elsewhere"


def _on_the_network_of_the_host(documents: Documents) -> None:
    service(documents)["workerGroupSpecs"][0]["template"]["spec"]["hostNetwork"] = True


def _labelled_as_the_way_out(documents: Documents) -> None:
    general = service(documents)["workerGroupSpecs"][0]["template"]["metadata"]["labels"]
    general["app.kubernetes.io/component"] = "outbound"


def _to_the_metadata(documents: Documents) -> None:
    way_out(documents)[0]["except"].remove("169.254.0.0/16")


def _around_a_half(documents: Documents) -> None:
    way_out(documents)[0]["except"] = ["10.0.0.0/9", *way_out(documents)[0]["except"][2:]]


def _to_all_of_ipv6(documents: Documents) -> None:
    way_out(documents)[1]["cidr"] = "::/0"


def _open_to_everybody(documents: Documents) -> None:
    documents.append(planted(ingress=[{"ports": [{"protocol": "TCP", "port": 8265}]}]))


def _nowhere_to_run(documents: Documents) -> None:
    service(documents)["workerGroupSpecs"].pop()


def service(documents: Documents) -> dict[str, Any]:
    """The Ray cluster of the RayService."""
    (found,) = (each for each in documents if each["kind"] == "RayService")
    cluster: dict[str, Any] = found["spec"]["rayClusterConfig"]
    return cluster


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (_selected_by_expression, "general: policy planted: 'to' names addresses (0.0.0.0/0)"),
        (_nobody_is_bound, "generation: no policy binds its egress."),
        (_bound_elsewhere, "head: no policy binds its ingress."),
        (_on_the_network_of_the_host, "general: a pod in its host's network"),
        (_labelled_as_the_way_out, "general: policy outbound: 'to' names addresses"),
        (_to_the_metadata, "outbound: policy outbound: 169.254.0.0/16 is not public"),
        (_around_a_half, "outbound: policy outbound: 10.0.0.0/8 is not public"),
        (_to_all_of_ipv6, "outbound: policy outbound: fc00::/7 is not public"),
        (_open_to_everybody, "head: policy planted: a rule without 'from'"),
        (_nowhere_to_run, "No group of pods offers the resource 'outbound'."),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_other_ways_are_found(documents: Documents, spoil: Callable[[Documents], None], said: str) -> None:
    spoil(documents)
    assert any(line.startswith(said) for line in problems(documents)), problems(documents)


def test_an_operator_checks_files_of_their_own(tmp_path: Path, documents: Documents) -> None:
    command = [sys.executable, "-m", "cluster.deploy.network"]
    assert subprocess.run([*command, *FILES], check=False).returncode == 0
    _open_to_everybody(documents)
    own = tmp_path / "own.yaml"
    own.write_text(yaml.safe_dump_all(documents))
    done = subprocess.run([*command, own], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "planted" in done.stdout

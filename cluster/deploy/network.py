"""Whether manifests keep everything but the way out inside the cluster.

    python -m cluster.deploy.network cluster/deploy/kubernetes/*.yaml

Says what is wrong, and ends with 1 if anything is. It reads manifests and asks no cluster.
"""

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Final

import yaml

from cluster.deploy.pods import OUTBOUND, PodGroup, pod_groups
from cluster.deploy.selectors import is_everything, selects
from cluster.deploy.special_networks import NOT_PUBLIC

__all__ = ["policies_of", "problems", "read"]

_TUNNELS: Final = tuple(map(ip_network, ("::/8", "64:ff9b::/96", "2002::/16")))
"""Addresses in which another hides: `serve.egress.addresses` looks inside, a network policy cannot."""
_DNS_NAMESPACE: Final = {"kubernetes.io/metadata.name": "kube-system"}

Document = Mapping[str, Any]


def read(files: Iterable[Path]) -> list[Document]:
    """Every document of these files."""
    return [document for file in files for document in yaml.safe_load_all(file.read_text(encoding="utf-8")) if document]


def problems(documents: Sequence[Document]) -> list[str]:
    """What lets anything in or out that should not get there, as sentences; none if all is well."""
    groups = list(pod_groups(documents))
    found = [problem for group in groups for problem in _of_group(group, documents)]
    if not any(OUTBOUND in group.resources for group in groups):
        found.append(f"No group of pods offers the resource {OUTBOUND!r}.")
    return found


def policies_of(group: PodGroup, documents: Iterable[Document], kind: str) -> list[Document]:
    """The network policies that bind a group of pods, in one direction: ``Ingress`` or ``Egress``."""
    return [
        document
        for document in documents
        if document["kind"] == "NetworkPolicy"
        and document["metadata"].get("namespace", "default") == group.namespace
        and selects(document["spec"]["podSelector"], group.labels)
        and kind in _kinds(document["spec"])
    ]


def _kinds(spec: Document) -> Sequence[str]:
    usual = ["Ingress", "Egress"] if "egress" in spec else ["Ingress"]
    return spec.get("policyTypes") or usual


def _of_group(group: PodGroup, documents: Sequence[Document]) -> Iterator[str]:
    if group.pod.get("hostNetwork"):
        yield f"{group.name}: a pod in its host's network is bound by no policy."
    for kind, side in (("Egress", "to"), ("Ingress", "from")):
        policies = policies_of(group, documents, kind)
        if not policies:
            yield f"{group.name}: no policy binds its {kind.lower()}."
        for policy in policies:
            for rule in policy["spec"].get(kind.lower()) or []:
                for problem in _of_rule(group, rule, side):
                    yield f"{group.name}: policy {policy['metadata']['name']}: {problem}"


def _of_rule(group: PodGroup, rule: Document, side: str) -> Iterator[str]:
    peers = rule.get(side)
    if not peers:
        yield f"a rule without {side!r} allows everybody."
    for peer in peers or []:
        if "ipBlock" in peer:
            yield from _of_addresses(group, peer["ipBlock"], side)
        elif is_everything(peer.get("podSelector")):
            yield f"{side!r} names pods of every kind."
        elif side == "to" and _is_dns(peer) and group.is_ray and OUTBOUND not in group.resources:
            yield "the cluster's DNS passes questions on to the outside."


def _is_dns(peer: Document) -> bool:
    return "namespaceSelector" in peer and selects(peer["namespaceSelector"], _DNS_NAMESPACE)


def _of_addresses(group: PodGroup, block: Document, side: str) -> Iterator[str]:
    if side != "to" or OUTBOUND not in group.resources:
        yield f"{side!r} names addresses ({block['cidr']}); only the way out may."
        return
    allowed, excepted = ip_network(block["cidr"]), [ip_network(each) for each in block.get("except") or []]
    for network in (*NOT_PUBLIC, *_TUNNELS):
        if network.version == allowed.version and network.overlaps(allowed):
            part = max(network, allowed, key=lambda each: each.prefixlen)
            if not any(part.network_address in each and part.broadcast_address in each for each in excepted):
                yield f"{part} is not public, and {block['cidr']} does not except it."


if __name__ == "__main__":
    wrong = problems(read(map(Path, sys.argv[1:])))
    sys.stdout.writelines(f"{line}\n" for line in wrong)
    sys.exit(bool(wrong))

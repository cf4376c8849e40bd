"""It does not matter what a third party's contract obliges it to, or whether the way out looks at its papers."""

from collections.abc import Callable
from typing import Any

from cluster.privacy.agreements import Contract
from cluster.privacy.obstacles import ObstacleCode
from tests.promises.harness.mutation import mutant

Clauses = Callable[[Contract], ObstacleCode | None]


def _without(name: str) -> Callable[[Clauses], Clauses]:
    """Whatever stands in for that clause is as good as the clause."""
    return lambda original: lambda contract: original(contract.model_copy(update={name: "no clause"}))


@mutant("P62", enforcement="cluster.privacy.obstacles:_of_clauses")
def training_is_not_forbidden(original: Clauses) -> Clauses:
    return _without("no_training")(original)


@mutant("P70", enforcement="cluster.privacy.obstacles:_of_clauses")
def protection_may_be_weaker(original: Clauses) -> Clauses:
    return _without("equal_protection")(original)


@mutant("P73", enforcement="cluster.privacy.obstacles:_of_clauses")
def storage_may_lie_open(original: Clauses) -> Clauses:
    return _without("encryption_at_rest")(original)


@mutant("P74", enforcement="cluster.privacy.obstacles:_of_clauses")
def the_gdpr_is_not_in_the_contract(original: Clauses) -> Clauses:
    return _without("gdpr")(original)


@mutant("P75", enforcement="cluster.privacy.obstacles:_of_clauses")
def the_ccpa_is_not_in_the_contract(original: Clauses) -> Clauses:
    return _without("ccpa")(original)


@mutant("P60", "P61", "P62", "P70", "P73", "P74", "P75", enforcement="serve.egress.registered:_obstacle")
def the_way_out_looks_at_no_papers(_: object) -> Callable[..., Any]:
    return lambda *_: None

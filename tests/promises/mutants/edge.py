"""There is no TLS, or a weak one that browsers may leave; production is in the clear, and Ray asks for no token."""

from collections.abc import Callable

from cluster.deploy.edge import Edge
from cluster.settings import Settings
from tests.promises.harness.mutation import mutant

Environment = Callable[[Settings], dict[str, str]]


@mutant("P127", enforcement="cluster.deploy.edge:tls")
def nothing_listens_for_tls(_: object) -> Callable[[Edge], list[str]]:
    return lambda edge: []


@mutant("P127", enforcement="cluster.deploy.edge:tls")
def browsers_may_go_back(original: Callable[[Edge], list[str]]) -> Callable[[Edge], list[str]]:
    return lambda edge: [line for line in original(edge) if "strict-transport-security" not in line]


@mutant("P127", enforcement="cluster.deploy.edge:tls_defaults")
def any_cipher_will_do(_: object) -> Callable[[], list[str]]:
    return lambda: []


@mutant("P127", enforcement="cluster.settings:refused_in_production")
def production_is_served_in_the_clear(_: object) -> Callable[[Settings], list[str]]:
    return lambda settings: []


@mutant("P127", enforcement="cluster.runtime.environment:environment")
def whoever_reaches_ray_is_let_in(original: Environment) -> Environment:
    return lambda settings: original(settings) | {"RAY_AUTH_MODE": "disabled"}

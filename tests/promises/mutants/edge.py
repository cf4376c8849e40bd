"""There is no TLS, nothing asks browsers to keep to it, old ciphers do, and production is served in the clear."""

from collections.abc import Callable

from cluster.deploy.edge import Edge
from cluster.settings import Settings
from tests.promises.harness.mutation import mutant


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

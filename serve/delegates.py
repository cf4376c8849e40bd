"""Which models are made by whom, as the director needs to know it."""

from collections.abc import Mapping

from cluster.records.delegation import Delegate

__all__ = ["read"]


def read() -> Mapping[str, Delegate]:
    """Who makes the videos of which model, by our name of it."""
    return {}

"""Custom resources: what deployments ask for, and whether the nodes of the cluster offer it.

Serve waits for ever for a node on which a replica fits. A name that no node offers is said instead.
"""

import time
from collections.abc import Callable, Mapping
from typing import Final

from cluster import clock
from cluster.deploy.pods import OUTBOUND
from cluster.runtime.service import ServiceFailed
from cluster.settings import Settings

__all__ = ["EXIT_STATUS", "NotOffered", "asked", "wait"]

EXIT_STATUS: Final = 4
"""With which the driver ends when it has waited in vain."""
_PATIENCE_SECONDS: Final = 60.0
_POLL_SECONDS: Final = 0.5


class NotOffered(ServiceFailed):
    """No node offers what a deployment asks for."""

    def __init__(self, settings: Settings) -> None:
        """Say who asks for what, and what helps."""
        wanted = "; ".join(f"deployments.{name} asks for {', '.join(of)}" for name, of in asked(settings).items())
        super().__init__(
            f"No node offers a resource that the application asks for: {wanted}. A node offers {OUTBOUND!r} if it is "
            f"the head and ray.outbound is true, or if it has joined by 'i2v join --outbound'."
        )


def asked(settings: Settings) -> dict[str, list[str]]:
    """The custom resources that each deployment asks for, of those that ask for any but Ray's own names of nodes."""
    resources = {name: block["ray_actor_options"].get("resources") or {} for name, block in settings.deployments}
    wanted = {name: sorted(each for each in of if not each.startswith("node:")) for name, of in resources.items()}
    return {name: of for name, of in wanted.items() if of}


def wait(settings: Settings, offered: Callable[[], Mapping[str, float]], patience: float = _PATIENCE_SECONDS) -> None:
    """Return once every resource is offered by some node; ``offered`` says what the nodes offer now.

    Raises:
        NotOffered: one is not, and no node that offers it has joined in time.
    """
    wanted = {name for of in asked(settings).values() for name in of}
    deadline = clock.monotonic() + patience
    while not wanted <= offered().keys():
        if clock.monotonic() > deadline:
            raise NotOffered(settings)
        time.sleep(_POLL_SECONDS)

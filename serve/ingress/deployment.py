"""The ingress as a Serve deployment: it builds the HTTP application around this replica's own resources."""

import asyncio
from functools import partial
from typing import Any

from fastapi import FastAPI
from ray import serve as ray_serve
from ray.serve.handle import DeploymentHandle

from cluster import runtime, settings, telemetry
from cluster.privacy import policy, recipients
from serve import catalogue, resources
from serve.ingress.admission import Rooms
from serve.ingress.api import create_api
from serve.ingress.batch_driver import AT_ONCE, LOOK_SECONDS, drive
from serve.ingress.door import Door
from serve.ingress.hub import Hub
from serve.ingress.looks import Looks
from serve.ingress.services import OutboundCalls, Services, published_notices, published_terms
from serve.ingress.stream_leases import StreamLeases
from serve.ingress.watch import Watch
from serve.loops import for_ever

__all__ = ["Ingress"]


@ray_serve.ingress()
class Ingress:
    """Answers HTTP. It parses, authenticates, asks the consent gate, writes the job row, and no more."""

    async def __init__(  # type: ignore[misc]  # Serve awaits it
        self, director: DeploymentHandle[Any], outbound: DeploymentHandle[Any]
    ) -> None:
        """Open the resources, and put the notices of this installation on record."""
        opened = resources.for_web(settings.load(), "ingress")
        register = recipients.load(opened.settings)
        notices = await published_notices(opened.database, register)
        way_out = OutboundCalls(outbound.fetch.remote, outbound.check_endpoint.remote, outbound.send_sample.remote)
        self._services = Services(
            opened,
            catalogue.load(),
            notices,
            director.wake.remote,
            outbound=way_out,
            door=Door(opened.database, opened.keys, opened.settings.admission),
            watch=Watch(opened.database),
            hub=Hub(opened.database),
            looks=Looks(opened.database),
            rooms=Rooms(opened.settings.admission),
            streams=StreamLeases(opened.database),
            terms=published_terms(),
            policy=policy.published(opened.settings),
            register=register,
            edge_secret=runtime.edge_secret(opened.settings),
        )
        self._loops = [
            asyncio.create_task(for_ever("batches_failed", partial(drive, self._services), LOOK_SECONDS))
            for _ in range(AT_ONCE)
        ]
        telemetry.log("replica_started", deployment="ingress")

    def __serve_build_asgi_app__(self) -> FastAPI:
        """Serve mounts what this returns."""
        return create_api(self._services)

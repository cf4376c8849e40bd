"""The smallest application: ready while the database is."""

import psycopg
from fastapi import FastAPI, Response
from ray import serve as ray_serve
from ray.serve import Application

from cluster import runtime, settings
from cluster.storage.privileges import DatabaseRole

api = FastAPI()


@api.get("/readyz")
def is_ready() -> Response:
    """503 while the database does not answer."""
    try:
        with psycopg.connect(runtime.database_url(settings.load(), DatabaseRole.APP), connect_timeout=1) as connection:
            connection.execute("SELECT 1")
    except psycopg.OperationalError:
        return Response(status_code=503)
    return Response()


class Tiny:
    """One replica without a model."""


def build() -> Application:
    """What `ray.application` names."""
    served = ray_serve.ingress(api)(Tiny)
    return ray_serve.deployment(ray_actor_options={"num_cpus": 0})(served).bind()

"""The smallest application: ready while the database is."""

import psycopg
from fastapi import FastAPI, Response
from ray import serve as ray_serve
from ray.serve import Application

from cluster import runtime, settings

api = FastAPI()


@ray_serve.deployment(ray_actor_options={"num_cpus": 0})
@ray_serve.ingress(api)
class Tiny:
    """One replica without a model."""

    @api.get("/readyz")
    def is_ready(self) -> Response:
        """503 while the database does not answer."""
        try:
            with psycopg.connect(runtime.database_url(settings.load()), connect_timeout=1) as connection:
                connection.execute("SELECT 1")
        except psycopg.OperationalError:
            return Response(status_code=503)
        return Response()


def build() -> Application:
    """What `ray.application` names."""
    return Tiny.bind()


@ray_serve.deployment(ray_actor_options={"num_cpus": 0})
@ray_serve.ingress(api_empty := FastAPI())
class Empty:
    """Nothing at all."""

    @api_empty.get("/readyz")
    def is_ready(self) -> Response:
        """Always."""
        return Response()


def build_empty() -> Application:
    """The peer of `benchmarks/start_up.py`."""
    return Empty.bind()

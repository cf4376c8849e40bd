"""What the walk through the code sees: tables, Parquet schemas, and what routes take and answer."""

from types import ModuleType
from typing import Annotated, Any

import pyarrow
import pytest
from fastapi import APIRouter, Depends, Header, Query
from pydantic import BaseModel, ConfigDict
from sqlalchemy import Column, LargeBinary, MetaData, Table

import serve.ingress
from cluster.cli import inventory
from cluster.cli.inventory import columns, defined, message_places, models_of, modules, parquet_places, routes
from cluster.privacy.data_map import Place, PlaceKind


class Inner(BaseModel):
    depth: int


class Base(BaseModel):
    shared: str


class Outer(Base):
    inner: list[Inner] | None


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")

    only: int


def module_with(**attributes: Any) -> ModuleType:
    module = ModuleType("pipelines.planted")
    vars(module).update(attributes)
    return module


def message(container: str, name: str) -> Place:
    return Place(PlaceKind.MESSAGES, container, name)


def planted() -> APIRouter:
    router = APIRouter()

    def deeper(agent: Annotated[str | None, Header()] = None) -> str | None:
        return agent

    @router.post("/planted/{key}")
    def take(body: Strict, key: str, _: Annotated[str, Depends(deeper)], page: Annotated[int, Query()] = 1) -> Outer:
        raise NotImplementedError(body, key, page)

    @router.get("/opaque")
    def hide() -> dict[str, str]:
        return {}

    @router.post(
        "/by-hand", openapi_extra={"requestBody": {"content": {"x": {"schema": {"properties": {"hand": {}}}}}}}
    )
    def read() -> None:
        return None

    return router


def test_every_column_is_seen() -> None:
    metadata = MetaData()
    Table("planted", metadata, Column("face", LargeBinary), Column("id", LargeBinary))
    assert set(columns(metadata)) == {Place(PlaceKind.DATABASE, "planted", name) for name in ("face", "id")}


def test_every_field_of_a_parquet_schema_is_seen() -> None:
    schema = pyarrow.schema([("prompt", pyarrow.string()), ("seconds", pyarrow.float32())])
    assert parquet_places([module_with(SAMPLES=schema, other=1)]) == {
        Place(PlaceKind.PARQUET, "pipelines.planted:SAMPLES", name) for name in ("prompt", "seconds")
    }


def test_everything_that_a_route_takes_or_answers_is_seen() -> None:
    own = f"{__name__}:"
    seen = message_places(routes(module_with(router=planted())))
    assert seen == {
        message("/planted/{key}", "key"),
        message("/planted/{key}", "page"),
        message("/planted/{key}", "agent"),
        message("/by-hand", "hand"),
        message(f"{own}Strict", "only"),
        message(f"{own}Base", "shared"),
        message(f"{own}Outer", "inner"),
        message(f"{own}Inner", "depth"),
    }


def test_a_model_that_no_route_names_is_seen() -> None:
    module = ModuleType(__name__)
    vars(module).update(Inner=Inner, imported=ConfigDict)
    assert defined([module]) == {Inner}
    assert models_of([dict[str, Outer | None]]) == {Outer, Base, Inner}


@pytest.mark.parametrize("planted_field", ["lax", "opaque"])
def test_the_walk_reports_lax_requests_and_opaque_routes(planted_field: str, monkeypatch: pytest.MonkeyPatch) -> None:
    router = APIRouter()

    @router.post("/lax")
    def take(body: Inner) -> Strict:
        return Strict(only=body.depth)

    @router.get("/opaque")
    def hide() -> dict[str, str]:
        return {}

    monkeypatch.setattr(serve.ingress, "router", router, raising=False)
    taken = inventory.take()
    assert getattr(taken, planted_field) == ({f"{__name__}:Inner"} if planted_field == "lax" else {"/opaque"})


def test_the_whole_ingress_is_walked() -> None:
    assert {route.path for module in modules(serve.ingress) for route in routes(module)} >= {
        "/v1/accounts",
        "/v1/videos",
        "/v1/consents",
        "/v1/webhook_endpoints",
        "/privacy.html",
    }

"""What the walk through the code sees: tables, Parquet schemas, and what routes take and answer."""

from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Annotated, Any

import pyarrow
import pytest
from fastapi import APIRouter, Depends, FastAPI, Header, Query
from fastapi.routing import APIRoute
from pydantic import BaseModel, ConfigDict, create_model
from sqlalchemy import Column, LargeBinary, MetaData, Table
from starlette.routing import Route

import serve.ingress
from cluster.cli import inventory
from cluster.cli.inventory import columns, defined, message_places, models_of, modules, parquet_places, routes
from cluster.privacy.data_map import Place, PlaceKind, load
from tests.api import PHOTO, Api, Person
from tests.promises._people import answer
from tests.world import SHARE


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


SHAPES = [Any, object, dict, list, dict[str, str], Mapping[str, int], list[Any], dict[str, int] | None]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_a_request_whose_field_takes_anything_is_reported(shape: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = create_model("Asked", __config__=ConfigDict(extra="forbid"), __module__=__name__, more=(shape, ...))
    router = APIRouter()
    router.add_api_route("/asked", planted_endpoint(asked), methods=["POST"], response_model=None)
    monkeypatch.setattr(serve.ingress, "router", router, raising=False)
    assert inventory.take().opaque == {f"{__name__}:Asked.more"}


def planted_endpoint(model: type[BaseModel]) -> Callable[..., None]:
    def take(body: BaseModel) -> None:
        raise NotImplementedError(body)

    take.__annotations__["body"] = model
    return take


@pytest.mark.usefixtures("api")
def test_every_route_of_the_api_is_walked(applications: list[FastAPI]) -> None:
    own = [route for route in applications[0].routes if isinstance(route, Route)]
    assert [route.path for route in own] == ["/openapi.json"]
    included: list[Any] = [route for route in applications[0].routes if route not in own]
    answering = [route for one in included for route in one.original_router.routes]
    assert {type(route) for route in answering} == {APIRoute}
    walked = {route.path for module in modules(serve.ingress) for route in routes(module)}
    assert {route.path for route in answering} == walked


def test_a_database_and_a_store_in_use_hold_what_is_declared_and_nothing_else(api: Api, person: Person) -> None:
    """What PostgreSQL and the store say, not what the code says of them."""
    answer(person, SHARE, True)
    api.drive(person.created(model="elsewhere"))
    person.post("/v1/files", data={"purpose": "vision"}, files={"file": PHOTO}).raise_for_status()
    rows = api.world.sql(
        "SELECT relname, attname FROM pg_attribute"
        " JOIN pg_class ON pg_class.oid = attrelid JOIN pg_namespace ON pg_namespace.oid = relnamespace"
        " WHERE relkind IN ('r', 'p', 'v', 'm', 'f') AND attnum > 0 AND NOT attisdropped"
        " AND nspname !~ '^(pg_|information_schema)' AND relname <> 'alembic_version'"
    )
    stored = {Place(PlaceKind.DATABASE, row.relname, row.attname) for row in rows}
    stored |= {Place(PlaceKind.OBJECTS, key.partition("/")[0]) for key in api.snapshot().objects}
    declared = {place for place in load().declared() if place.kind in (PlaceKind.DATABASE, PlaceKind.OBJECTS)}
    assert stored == declared

"""What there is that could hold personal data, as the code itself says: the other side of the data map.

Walked are the tables, the kinds of media, every `pyarrow.Schema` of a module of `pipelines`, and everything that the
routes of the ingress take or answer.
"""

import importlib
import pkgutil
from collections.abc import Collection, Iterable, Iterator, Mapping
from types import ModuleType
from typing import Any, get_args, get_origin

import pyarrow
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from pydantic import BaseModel
from sqlalchemy import ARRAY, Column, LargeBinary, MetaData, String
from sqlalchemy.dialects.postgresql import JSON

from cluster.privacy.data_map import Place, PlaceKind
from cluster.privacy.data_map_check import Inventory
from cluster.privacy.media_kinds import MediaKind

__all__ = [
    "columns",
    "defined",
    "fields_of",
    "message_places",
    "models_of",
    "modules",
    "parquet_places",
    "routes",
    "take",
]

_OPEN_TYPES = (String, LargeBinary, ARRAY, JSON)
"""Column types that could hold anything somebody wrote; `Text` is a `String`, `JSONB` a `JSON`."""
_OPEN_SHAPES = (Any, object, dict, list, set, tuple, Mapping)
"""What a field of a request must not be, bare or as the outside of keys that nobody declared."""


def take() -> Inventory:
    """Everything that there is in this version of the code."""
    import pipelines
    import serve.engines.parameters
    import serve.ingress
    from cluster.records import metadata
    from serve.provider_parameters import ProviderParameters

    found = columns(metadata)
    ingress = list(modules(serve.ingress))
    walked = [route for module in ingress for route in routes(module)]
    steering = models_of([*vars(serve.engines.parameters).values(), ProviderParameters])
    asked = {*_requests(walked), *steering}
    return Inventory(
        places=frozenset(
            {
                *found,
                *(Place(PlaceKind.OBJECTS, kind.value) for kind in MediaKind),
                *parquet_places(modules(pipelines)),
                *message_places(walked, steering),
                *fields_of(defined(ingress)),
            }
        ),
        text=frozenset(place for place, column in found.items() if isinstance(column.type, _OPEN_TYPES)),
        opaque=frozenset({*(route.path for route in walked if _is_opaque(route)), *_open_fields(asked)}),
        lax=frozenset(_name(model) for model in asked if not _is_strict(model)),
    )


def modules(package: ModuleType) -> Iterator[ModuleType]:
    """A package and every module below it, imported."""
    yield package
    for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        yield importlib.import_module(found.name)


def columns(metadata: MetaData) -> dict[Place, Column[Any]]:
    """Every column of every table."""
    return {
        Place(PlaceKind.DATABASE, table.name, column.name): column
        for table in metadata.sorted_tables
        for column in table.columns
    }


def parquet_places(among: Iterable[ModuleType]) -> set[Place]:
    """The fields of every schema that is an attribute of one of the modules."""
    return {
        Place(PlaceKind.PARQUET, f"{module.__name__}:{name}", field)
        for module in among
        for name, schema in vars(module).items()
        if isinstance(schema, pyarrow.Schema)
        for field in schema.names
    }


def routes(module: ModuleType) -> list[APIRoute]:
    """The routes of a module's ``router``, if it has one."""
    router = getattr(module, "router", None)
    return [route for route in router.routes if isinstance(route, APIRoute)] if router else []


def message_places(walked: Iterable[APIRoute], models: Iterable[type[BaseModel]] = ()) -> set[Place]:
    """The fields of every model that the routes take or answer (and of ``models``), and all their parameters."""
    places: set[Place] = set()
    reachable = set(models)
    for route in walked:
        reachable |= _requests([route]) | models_of([route.response_model, *_documented(route)])
        names = _parameters(route) | (_written_by_hand(route) - _fields(models))
        places |= {Place(PlaceKind.MESSAGES, route.path, name) for name in names}
    return places | fields_of(reachable)


def fields_of(models: Iterable[type[BaseModel]]) -> set[Place]:
    """The fields that each model adds to its bases."""
    return {Place(PlaceKind.MESSAGES, _name(model), field) for model in models for field in _own(model)}


def defined(among: Collection[ModuleType]) -> set[type[BaseModel]]:
    """Every model that one of the modules defines, whether or not a route names it."""
    names = {module.__name__ for module in among}
    found = models_of(value for module in among for value in vars(module).values())
    return {model for model in found if model.__module__ in names}


def models_of(annotations: Iterable[Any]) -> set[type[BaseModel]]:
    """Every model within the annotations, with its bases, and those within its fields in turn."""
    found: set[type[BaseModel]] = set()
    waiting = list(annotations)
    while waiting:
        annotation = waiting.pop()
        waiting += get_args(annotation)
        if isinstance(annotation, type) and issubclass(annotation, BaseModel) and annotation not in {*found, BaseModel}:
            found.add(annotation)
            waiting += [*annotation.__bases__, *(field.annotation for field in annotation.model_fields.values())]
    return found


def _requests(walked: Iterable[APIRoute]) -> set[type[BaseModel]]:
    return models_of(route.body_field.field_info.annotation for route in walked if route.body_field)


def _documented(route: APIRoute) -> Iterator[Any]:
    yield from (answer.get("model") for answer in route.responses.values())


def _parameters(route: APIRoute) -> set[str]:
    return {
        parameter.name
        for needed in _all(route.dependant)
        for way in (needed.path_params, needed.query_params, needed.header_params, needed.cookie_params)
        for parameter in way
    }


def _written_by_hand(route: APIRoute) -> set[str]:
    """The fields of a body that the route reads itself and describes in its documentation."""
    content: Mapping[str, Any] = (route.openapi_extra or {}).get("requestBody", {}).get("content", {})
    return {name for described in content.values() for name in described["schema"]["properties"]}


def _all(dependant: Dependant) -> Iterator[Dependant]:
    yield dependant
    for needed in dependant.dependencies:
        yield from _all(needed)


def _fields(models: Iterable[type[BaseModel]]) -> set[str]:
    return {name for model in models for name in model.model_fields}


def _own(model: type[BaseModel]) -> list[str]:
    """The fields that the class itself adds to its bases."""
    return [name for name in model.model_fields if name in model.__annotations__]


def _is_opaque(route: APIRoute) -> bool:
    """Whether it takes or answers JSON whose fields cannot be seen, such as a `dict`."""
    bodies = [route.body_field.field_info.annotation] if route.body_field else []
    answers = [route.response_model] if route.response_model else []
    return not all(models_of([shape]) for shape in [*bodies, *answers])


def _open_fields(models: Iterable[type[BaseModel]]) -> Iterator[str]:
    for model in models:
        for name in _own(model):
            if _is_open(model.model_fields[name].annotation):
                yield f"{_name(model)}.{name}"


def _is_open(annotation: Any) -> bool:
    """Whether it takes names, or values, of which nothing is said."""
    within = get_args(annotation)
    return annotation in _OPEN_SHAPES or get_origin(annotation) in (dict, Mapping) or any(map(_is_open, within))


def _is_strict(model: type[BaseModel]) -> bool:
    return model.model_config.get("extra") == "forbid"


def _name(model: type[BaseModel]) -> str:
    return f"{model.__module__}:{model.__qualname__}"

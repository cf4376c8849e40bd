"""Whatever parses input (settings, configuration, request bodies) does not repeat it in its errors.

Models of answers parse nothing that somebody sent; should one fail all the same, `serve.ingress.unexpected` logs the
error's type and place alone.
"""

import importlib
import inspect
import pkgutil
import warnings
from functools import cache
from types import ModuleType

import pytest
from fastapi import APIRouter, FastAPI
from fastapi.exceptions import ResponseValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.testclient import TestClient

import cluster
import pipelines
import serve
from serve.ingress.unexpected import UnexpectedMiddleware

CANARY = "canary-5b1d"


@cache
def modules() -> list[ModuleType]:
    """Every module of our packages. Ray warns when it is imported."""
    packages = [pkgutil.walk_packages(each.__path__, f"{each.__name__}.") for each in (cluster, serve, pipelines)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        names = [found.name for package in packages for found in package if ".migrations" not in found.name]
        return [importlib.import_module(name) for name in names]


def all_models() -> list[type[BaseModel]]:
    """Every pydantic model that our packages define."""
    classes = [each for module in modules() for _, each in inspect.getmembers(module, inspect.isclass)]
    ours = {each.__name__ for each in (cluster, serve, pipelines)}
    return [each for each in set(classes) if issubclass(each, BaseModel) and each.__module__.partition(".")[0] in ours]


def parses_input(model: type[BaseModel]) -> bool:
    """What parses input refuses fields that it does not know (P4); that is how it is told from an answer."""
    return model.model_config.get("extra") == "forbid"


def bodies() -> list[type[BaseModel]]:
    """What routes parse out of requests' bodies."""
    routers = [module.router for module in modules() if isinstance(getattr(module, "router", None), APIRouter)]
    routes = [route for router in routers for route in router.routes if isinstance(route, APIRoute)]
    annotations = [field.field_info.annotation for route in routes for field in route.dependant.body_params]
    return [each for each in annotations if isinstance(each, type) and issubclass(each, BaseModel)]


def test_whatever_parses_input_hides_it() -> None:
    parsing = [model for model in all_models() if parses_input(model)]
    assert len(parsing) > 15
    assert [model for model in parsing if not model.model_config.get("hide_input_in_errors")] == []


def test_bodies_of_requests_are_among_them() -> None:
    assert bodies()
    assert [body for body in bodies() if not parses_input(body)] == []


@pytest.mark.parametrize("hidden", [True, False])
def test_hidden_input_is_in_no_text_of_the_error(hidden: bool) -> None:
    """And the control: without the setting it is."""

    class Form(BaseModel):
        model_config = ConfigDict(extra="forbid", hide_input_in_errors=hidden)
        age: int

    with pytest.raises(ValidationError) as refused:
        Form.model_validate({"age": CANARY, "more": CANARY})
    assert (CANARY in str(refused.value) + repr(refused.value)) is not hidden


def failing() -> FastAPI:
    """An application with an answer that does not fit its model."""
    api = FastAPI()

    class Answer(BaseModel):
        number: int

    @api.get("/", response_model=Answer)
    def wrong() -> dict[str, str]:
        return {"number": CANARY}

    return api


def test_an_answer_that_is_not_valid_is_logged_without_its_values(capfd: pytest.CaptureFixture[str]) -> None:
    """The control: without our middleware the error goes on to the server, with the value in its text."""
    with TestClient(failing()) as client, pytest.raises(ResponseValidationError, match=CANARY):
        client.get("/")
    api = failing()
    api.add_middleware(UnexpectedMiddleware)
    with TestClient(api) as client:
        answer = client.get("/")
    assert answer.status_code == 500
    written = capfd.readouterr()
    assert "request_failed" in written.err
    assert CANARY not in answer.text + written.out + written.err

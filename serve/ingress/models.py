"""`/v1/models`: what can be asked for, what it costs, and where data goes."""

from collections.abc import Mapping
from typing import Any, Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from cluster import clock
from cluster.errors import ModelNotFound
from serve.catalogue import Disclosure, LifecycleDates, Model, Price
from serve.ingress import deprecation, third_parties
from serve.ingress.error_answers import documented
from serve.ingress.services import Served, Services

__all__ = ["router"]

router = APIRouter(tags=["Models"])


class ModelShown(BaseModel):
    """One model."""

    id: str
    object: Literal["model"] = "model"
    created: int = Field(description="Unix seconds of the day from which there is it; 0 where nobody has said so.")
    owned_by: str
    title: str
    lifecycle: str
    lifecycle_dates: LifecycleDates
    replacement: str | None
    capabilities: Mapping[str, Any]
    price: Price
    purposes: list[str]
    disclosure: Disclosure
    available: bool = Field(default=True, description="Whether a video can be made with it here and today.")
    unavailable_because: str | None = None


class ModelList(BaseModel):
    """All models, retired ones included and marked."""

    object: Literal["list"] = "list"
    data: list[ModelShown]


@router.get("/v1/models")
async def list_models(services: Served) -> ModelList:
    """The models, with what each shares, with whom, and what for."""
    return ModelList(data=[_listed(services, name, model) for name, model in services.catalogue.models.items()])


@router.get("/v1/models/{model_id}", responses=documented(ModelNotFound))
async def retrieve_model(model_id: str, response: Response, services: Served) -> ModelShown:
    """One model. `Deprecation` and `Sunset` say, as on every job made with it, that it is on its way out."""
    model = services.catalogue.models.get(model_id)
    if model is None:
        raise ModelNotFound(param="model")
    response.headers.update(deprecation.headers(model))
    return _listed(services, model_id, model)


def _listed(services: Services, name: str, model: Model) -> ModelShown:
    """The model as it stands today."""
    return _shown(name, model).model_copy(update=third_parties.standing(services, name).model_dump())


def _shown(name: str, model: Model) -> ModelShown:
    created = model.lifecycle_dates.created
    return ModelShown(
        id=name,
        created=clock.unix(clock.midnight(created)) if created else 0,
        owned_by=model.recipient or "this installation",
        title=model.title,
        lifecycle=model.lifecycle,
        lifecycle_dates=model.lifecycle_dates,
        replacement=model.replacement,
        capabilities=model.capabilities,
        price=model.price,
        purposes=list(model.purposes),
        disclosure=model.disclosure,
    )

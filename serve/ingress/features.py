"""`GET /v1/features`: what can be made of a photo here, by which models, and what the caller must agree to first."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field

from cluster import errors
from cluster.privacy.consent import ConsentState, Verdict, unanswered
from cluster.privacy.purposes import Purpose
from cluster.records import consents
from serve.catalogue import Model
from serve.ingress import third_parties
from serve.ingress.error_answers import documented
from serve.ingress.services import Served, Services, VideoReader

__all__ = ["Feature", "router"]

router = APIRouter(tags=["Models"], responses=documented(errors.InvalidCredentials, errors.InsufficientScope))


class Feature(StrEnum):
    """What the service is about; `capabilities.features` of a model says which of them it has."""

    IMAGE_TO_VIDEO = "image_to_video"
    FACE_ENHANCEMENT = "face_enhancement"
    REENACTMENT = "reenactment"
    STYLE_TRANSFER = "style_transfer"


_OF_FACES = frozenset({Feature.FACE_ENHANCEMENT, Feature.REENACTMENT})


class FeatureShown(BaseModel):
    """One feature, and whether the caller can use it now."""

    id: Feature
    object: Literal["feature"] = "feature"
    models: list[str] = Field(description="Models that offer it and are not retired.")
    purposes: dict[str, ConsentState] = Field(
        description="What it is asked for beside the purposes of the model, and how the caller has answered."
    )
    available: bool
    reason: str | None = Field(description="Why it is not available; null if it is.")


class FeatureList(BaseModel):
    """Every feature, those that no model offers included."""

    object: Literal["list"] = "list"
    data: list[FeatureShown]


@router.get("/v1/features")
async def list_features(services: Served, caller: VideoReader) -> FeatureList:
    """What can be made of a photo, and what stands in the way of it."""
    states = await services.resources.database.run(consents.states, caller.account_id, services.notice_versions)
    return FeatureList(data=[_shown(feature, services, states) for feature in Feature])


def _shown(feature: Feature, services: Services, states: Mapping[str, ConsentState]) -> FeatureShown:
    offering = [name for name, model in services.catalogue.models.items() if _offers(model, feature)]
    models = [name for name in offering if third_parties.standing(services, name).available]
    wanted = (Purpose.AI_PROCESSING, *((Purpose.FACE_PROCESSING,) if feature in _OF_FACES else ()))
    purposes = {purpose.value: states.get(purpose, ConsentState.UNSET) for purpose in wanted}
    reason = _reason(purposes) if models else "No model of this installation offers it."
    return FeatureShown(id=feature, models=models, purposes=purposes, available=reason is None, reason=reason)


def _offers(model: Model, feature: Feature) -> bool:
    return model.lifecycle != "retired" and feature in model.capabilities.get("features", ())


def _reason(purposes: Mapping[str, ConsentState]) -> str | None:
    obstacle = unanswered(purposes, purposes)
    if obstacle is None:
        return None
    purpose, verdict = obstacle
    was = "was withdrawn" if verdict is Verdict.WITHDRAWN else "is needed first"
    return f"Your consent to {purpose} {was}: POST /v1/consents."

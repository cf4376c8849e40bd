"""`POST /v1/videos/estimate`: what a video would cost, by the price function that creating it uses."""

from typing import Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from cluster import errors
from serve.ingress.error_answers import documented
from serve.ingress.forms import read_submission
from serve.ingress.order import read_fields
from serve.ingress.services import Served, VideoReader
from serve.ingress.videos import create_schema

__all__ = ["router"]

router = APIRouter(tags=["Videos"], responses=documented(errors.InvalidCredentials, errors.InsufficientScope))


class Estimate(BaseModel):
    """What a video would cost."""

    object: Literal["video.estimate"] = "video.estimate"
    model: str
    credits: int = Field(description="Reserved when the video is created, charged only when it is delivered.")


@router.post(
    "/v1/videos/estimate",
    openapi_extra=create_schema(required=[]),
    responses=documented(
        errors.InvalidRequest, errors.ModelNotFound, errors.RecipientUnavailable, errors.PayloadTooLarge
    ),
)
async def estimate_video(request: Request, services: Served, _: VideoReader) -> Estimate:
    """The price of a video with these fields. No photo is needed, and nothing is stored or reserved."""
    order = read_fields(services, (await read_submission(request)).fields)
    return Estimate(model=order.model_name, credits=order.model.price_of(order.parameters))

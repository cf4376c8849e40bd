"""`/v1/credits`: what an account can spend."""

from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel

from cluster import errors
from cluster.records import credits
from serve.ingress.error_answers import documented
from serve.ingress.services import AccountReader, Served

__all__ = ["router"]

router = APIRouter(tags=["Account"])


class CreditBalance(BaseModel):
    """Credits that can be spent, and those held for jobs that have not ended."""

    object: Literal["credits"] = "credits"
    available: int
    reserved: int


@router.get("/v1/credits", responses=documented(errors.InvalidCredentials, errors.InsufficientScope))
async def read_credits(services: Served, caller: AccountReader) -> CreditBalance:
    """The account's credits."""
    balance = await services.resources.database.run(credits.balance, caller.account_id)
    return CreditBalance(available=balance.available, reserved=balance.reserved)

"""What an account was charged, by day, model and API key: sums over the ledger, which keep no figure of their own."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Connection, Date, Text, cast, func, literal, null, select

from cluster import clock
from cluster.records.credits import credit_transfers
from cluster.records.jobs import jobs

__all__ = ["Charge", "Dimension", "charges"]


class Dimension(StrEnum):
    """What charges can be told apart by."""

    DAY = "day"
    MODEL = "model"
    API_KEY = "api_key"


@dataclass(frozen=True, slots=True)
class Charge:
    """Videos that were delivered and what they cost; a dimension that was not asked for, or no key, is None."""

    day: date | None
    model: str | None
    api_key_id: str | None
    videos: int
    credits: int


def charges(
    connection: Connection, account_id: str, first: date, last: date, by: Collection[Dimension]
) -> list[Charge]:
    """The account's charges from the day `first` to the day `last`, both in UTC and included, the oldest first."""
    transfers = credit_transfers.c
    shown: dict[Dimension, ColumnElement[Any]] = {
        Dimension.DAY: cast(func.timezone("UTC", transfers.moved_at), Date),
        Dimension.MODEL: jobs.c.model,
        Dimension.API_KEY: jobs.c.api_key_id,
    }
    columns: list[ColumnElement[Any]] = [
        shown[each].label(each) if each in by else cast(null(), Text).label(each) for each in Dimension
    ]
    query = (
        select(*columns, func.count(), func.sum(transfers.amount))
        .select_from(credit_transfers.join(jobs, jobs.c.id == transfers.job_id))
        .where(
            transfers.account_id == account_id,
            transfers.kind == literal("settle"),
            transfers.moved_at >= clock.midnight(first),
            transfers.moved_at < clock.midnight(last) + timedelta(days=1),
        )
        .group_by(*(shown[each] for each in Dimension if each in by))
        .order_by(*Dimension)
    )
    rows = connection.execute(query).all()
    return [Charge(row[0], row[1], row[2], int(row[3]), int(row[4])) for row in rows]

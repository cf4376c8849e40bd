"""Paces: how long a video of a model takes to make, as measured. One row a model, renewed by each video made.

A row holds the sums of a straight line through (megapixels, seconds): what every video takes, and what each megapixel
adds. Older videos count less and less, so that the line follows the machines in use.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Column, ColumnElement, Connection, Double, Table, Text, cast, func, literal, select
from sqlalchemy.dialects.postgresql import insert

from cluster.records.jobs import jobs
from cluster.storage.database import metadata

__all__ = ["Pace", "Sums", "fitted", "measured", "megapixels", "of_models", "paces"]

_MEMORY: Final = 0.95
_USUAL_SECONDS, _USUAL_FPS, _USUAL_MEGAPIXELS = 4.0, 24.0, 0.4

paces = Table(
    "paces",
    metadata,
    Column("model", Text, primary_key=True),
    Column("videos", Double, nullable=False),
    Column("megapixels", Double, nullable=False),
    Column("seconds", Double, nullable=False),
    Column("megapixels_squared", Double, nullable=False),
    Column("megapixels_seconds", Double, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Sums:
    """What is kept of the videos made, each weighted by how recent it is."""

    videos: float
    megapixels: float
    seconds: float
    megapixels_squared: float
    megapixels_seconds: float


@dataclass(frozen=True, slots=True)
class Pace:
    """A video takes ``each`` seconds, and ``per_megapixel`` seconds for each megapixel of all its frames together."""

    each: float
    per_megapixel: float


def megapixels() -> ColumnElement[float]:
    """The size of a job's video by its parameters: width x height x frames, in millions."""
    size = jobs.c.parameters["size"].astext
    area = cast(func.split_part(size, "x", 1), Double) * cast(func.split_part(size, "x", 2), Double) / 1e6
    return (
        func.coalesce(cast(jobs.c.parameters["seconds"].astext, Double), _USUAL_SECONDS)
        * func.coalesce(cast(jobs.c.parameters["fps"].astext, Double), _USUAL_FPS)
        * func.coalesce(area, _USUAL_MEGAPIXELS)
    )


def measured(connection: Connection, job_id: str, seconds: float) -> None:
    """Count a video that took so long."""
    size = megapixels()
    taken = literal(seconds)
    video = select(jobs.c.model, literal(1.0), size, taken, size * size, size * taken).where(jobs.c.id == job_id)
    statement = insert(paces).from_select(list(paces.c), video)
    sums = [column for column in paces.c if not column.primary_key]
    renewed = {column.name: column * _MEMORY + statement.excluded[column.name] for column in sums}
    connection.execute(statement.on_conflict_do_update(index_elements=[paces.c.model], set_=renewed))


def of_models(connection: Connection) -> Mapping[str, Pace]:
    """The pace of every model that a video was made with."""
    return {model: fitted(Sums(*sums)) for model, *sums in connection.execute(select(paces))}


def fitted(sums: Sums) -> Pace:
    """The line of least squares; through the origin where the videos are all alike or the line makes no sense."""
    spread = sums.videos * sums.megapixels_squared - sums.megapixels**2
    if spread > 1e-6 * sums.megapixels**2:
        slope = (sums.videos * sums.megapixels_seconds - sums.megapixels * sums.seconds) / spread
        base = (sums.seconds - slope * sums.megapixels) / sums.videos
        if slope >= 0 and base >= 0:
            return Pace(base, slope)
    return Pace(0, sums.seconds / sums.megapixels)

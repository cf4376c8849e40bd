"""The life of a job: its states, its stages, and who may make which transition. Nothing else decides.

`docs/jobs.md` draws it. The states are the public ones of the OpenAI Videos API. While a job is ``in_progress`` its
*stage* says what is to be done next; a stage is done again from its sealed input if the process that did it dies.
"""

from enum import IntEnum, StrEnum

__all__ = ["ACTIVE", "FORK", "STAGES", "TRANSITIONS", "Actor", "JobState", "Priority", "Stage", "following", "sources"]


class JobState(StrEnum):
    """What the owner sees as ``status``."""

    QUEUED = "queued"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Stage(StrEnum):
    """What is to be done next."""

    INGESTION = "ingestion"
    INPUT_SCREENING = "input_screening"
    GENERATION = "generation"
    DELEGATION = "delegation"
    RECEPTION = "reception"
    OUTPUT_SCREENING = "output_screening"
    PUBLISH = "publish"


class Priority(IntEnum):
    """How urgent a job is. Of what is due, a higher priority is always begun first."""

    LOW = -1
    NORMAL = 0


class Actor(StrEnum):
    """Who may make a transition."""

    INGRESS = "ingress"
    DIRECTOR = "director"
    OWNER = "owner"
    CONSENT = "consent"


ACTIVE = (JobState.QUEUED, JobState.IN_PROGRESS)
STAGES = tuple(Stage)
FORK = Stage.INPUT_SCREENING
"""After this stage the two routes part: our own engines generate, or a third party does and its video is received."""
_OWN = frozenset({Stage.GENERATION})
_SHARED = frozenset({Stage.DELEGATION, Stage.RECEPTION})

TRANSITIONS: dict[tuple[JobState | None, JobState], frozenset[Actor]] = {
    (None, JobState.QUEUED): frozenset({Actor.INGRESS}),
    (JobState.QUEUED, JobState.IN_PROGRESS): frozenset({Actor.DIRECTOR}),
    (JobState.IN_PROGRESS, JobState.COMPLETED): frozenset({Actor.DIRECTOR}),
    (JobState.IN_PROGRESS, JobState.FAILED): frozenset({Actor.DIRECTOR}),
    (JobState.QUEUED, JobState.CANCELLED): frozenset({Actor.OWNER, Actor.CONSENT, Actor.DIRECTOR}),
    (JobState.IN_PROGRESS, JobState.CANCELLED): frozenset({Actor.OWNER, Actor.CONSENT, Actor.DIRECTOR}),
}


def sources(target: JobState, actor: Actor) -> tuple[JobState, ...]:
    """The states from which ``actor`` may bring a job to ``target``."""
    return tuple(start for (start, end), who in TRANSITIONS.items() if start and end is target and actor in who)


def following(stage: Stage, *, shared: bool = False) -> Stage | None:
    """The stage after this one, or None after the last; ``shared``: whether a third party makes the video."""
    route = [one for one in STAGES if one not in (_OWN if shared else _SHARED)]
    place = route.index(stage) + 1
    return route[place] if place < len(route) else None

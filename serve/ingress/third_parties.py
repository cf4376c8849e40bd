"""Whether a third party may be used at all: looked at before the photo is, and whatever its owner has agreed to."""

from sqlalchemy import Connection

from cluster import clock
from cluster.errors import InvalidRequest, RecipientFailing, RecipientUnavailable
from cluster.privacy.obstacles import Obstacle, ObstacleCode
from cluster.records import breakers, suspensions
from serve.catalogue import Standing
from serve.ingress.gate import ALTERNATIVES
from serve.ingress.services import Services

__all__ = ["check", "check_answers", "check_not_suspended", "standing"]


def check(services: Services, model: str, prompt: str) -> None:
    """Refuse a model that cannot be used today, and a prompt that it would cut off.

    Raises:
        ModelNotFound: it is retired.
        RecipientUnavailable: something else is in the way; the error says what.
        InvalidRequest: the prompt is longer than the model takes.
    """
    found = _obstacle(services, model)
    if found and found.code is ObstacleCode.MODEL_RETIRED:
        raise services.catalogue.models[model].gone()
    if found:
        raise RecipientUnavailable(
            f"{found.sentence} The model 'default' needs nobody.",
            param="model",
            details={"reason": found.code.value, "alternatives": list(ALTERNATIVES)},
        )
    takes = services.catalogue.models[model].takes
    if takes and len(prompt) > takes.prompt:
        raise InvalidRequest(f"prompt: for this model it may have at most {takes.prompt} characters.", param="prompt")


def check_not_suspended(connection: Connection, recipient: str) -> None:
    """Refuse a recipient that this installation has parted from.

    Raises:
        RecipientUnavailable: it has.
    """
    if suspensions.is_suspended(connection, recipient):
        raise RecipientUnavailable(param="model", details={"reason": "suspended", "alternatives": list(ALTERNATIVES)})


def check_answers(connection: Connection, recipient: str) -> None:
    """Refuse a recipient that is left alone at present; no other takes its place.

    Raises:
        RecipientFailing: it is.
    """
    until = breakers.open_until(connection, recipient)
    if until:
        seconds = max(1.0, (until - clock.now()).total_seconds())
        raise RecipientFailing(param="model", details={"alternatives": list(ALTERNATIVES)}, retry_after=seconds)


def standing(services: Services, model: str) -> Standing:
    """How a model stands today."""
    return services.catalogue.standing(model, today=clock.now().date(), profile=services.resources.settings.profile)


def _obstacle(services: Services, model: str) -> Obstacle | None:
    return services.catalogue.obstacle(model, today=clock.now().date(), profile=services.resources.settings.profile)

"""Headers that tell a program, not only its reader, that a model is on its way out."""

from email.utils import format_datetime

from cluster import clock
from serve.catalogue import Model

__all__ = ["headers"]


def headers(model: Model) -> dict[str, str]:
    """`Deprecation` (RFC 9745) with the day from which another is recommended, `Sunset` (RFC 8594) with the day on
    which it ends, and `Link` to the one that takes its place: each where it is known; none for a model that stays.
    """
    dates, made = model.lifecycle_dates, {}
    if dates.deprecated:
        made["deprecation"] = f"@{clock.unix(clock.midnight(dates.deprecated))}"
        if model.replacement:
            made["link"] = f'</v1/models/{model.replacement}>; rel="successor-version"'
    if dates.retired:
        made["sunset"] = format_datetime(clock.midnight(dates.retired), usegmt=True)
    return made

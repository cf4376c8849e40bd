"""Label selectors of Kubernetes, as far as network policies use them."""

from collections.abc import Mapping
from typing import Any

__all__ = ["is_everything", "selects"]


def selects(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Whether a selector selects something with these labels; an empty one selects everything.

    Raises:
        ValueError: it uses an operator that is not known here.
    """
    wanted: Mapping[str, str] = selector.get("matchLabels") or {}
    expressions = selector.get("matchExpressions") or []
    return wanted.items() <= labels.items() and all(_holds(each, labels) for each in expressions)


def is_everything(selector: Mapping[str, Any] | None) -> bool:
    """Whether a selector says nothing, and so selects everything."""
    return not selector or not (selector.get("matchLabels") or selector.get("matchExpressions"))


def _holds(expression: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    value, values = labels.get(expression["key"]), expression.get("values") or []
    match expression["operator"]:
        case "In":
            return value in values
        case "NotIn":
            return value not in values
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
        case unknown:
            raise ValueError(f"{unknown} is not an operator of label selectors")

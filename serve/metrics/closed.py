"""What a metric is here: a name, what it means, and labels whose values are closed sets.

A label's value can only be a member of the enumeration that the metric declares for it. There is no way to pass a text,
so nothing personal, no id and no address can become a label, and nobody can make series without end.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, cast

__all__ = ["OTHER", "LabelNotAllowed", "Metric", "closed_set", "member"]

OTHER: Final = "other"
"""What stands for a value that is not in a set made by `closed_set`."""


class LabelNotAllowed(ValueError):
    """A metric was given other labels than it declares, or a value that is no member of a label's set."""


@dataclass(frozen=True, slots=True)
class Metric:
    """The declaration of one metric. ``labels`` maps each label to the set of its values."""

    name: str
    meaning: str
    labels: Mapping[str, type[StrEnum]] = field(default_factory=dict)

    def tags(self, **labels: StrEnum) -> dict[str, str]:
        """The labels as texts.

        Raises:
            LabelNotAllowed: they are not those declared, or a value is not of the declared set.
        """
        if labels.keys() != self.labels.keys():
            raise LabelNotAllowed(f"{self.name} has the labels {sorted(self.labels)}")
        for name, value in labels.items():
            if type(value) is not self.labels[name]:
                raise LabelNotAllowed(f"the label {name!r} of {self.name} is no {self.labels[name].__name__}")
        return {name: labels[name].value for name in self.labels}


def closed_set(name: str, values: Iterable[str]) -> type[StrEnum]:
    """An enumeration of these values and `OTHER`, for sets that are data of the installation."""
    functional: Any = StrEnum
    return cast("type[StrEnum]", functional(name, {value: value for value in (*values, OTHER)}))


def member(of: type[StrEnum], value: str) -> StrEnum:
    """The member with that value; where there is none, `OTHER` of a set made by `closed_set`."""
    return next((each for each in of if each.value == value), None) or of(OTHER)

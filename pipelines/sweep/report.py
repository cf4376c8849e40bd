"""What a sweep did: counts by category and outcome, and nothing that leads to anybody."""

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any

from cluster.storage.erasure import Absent, Erased, Erasure

__all__ = ["ORPHANS", "Report", "Tally"]

ORPHANS = "orphans"


@dataclass(slots=True)
class Tally:
    """Objects of one category. Each that was due has one outcome; a dry run gives none."""

    due: int = 0
    erased: int = 0
    absent: int = 0
    failed: Counter[str] = field(default_factory=Counter)

    def add(self, outcome: Erasure) -> None:
        """Count an outcome."""
        match outcome:
            case Erased():
                self.erased += 1
            case Absent():
                self.absent += 1
            case _:
                self.failed[outcome.reason] += 1


@dataclass(slots=True)
class Report:
    """A whole run.

    ``partial_writes``: what killed writers of objects left behind, and nobody can read. ``withheld``: why no orphan was
    erased. ``prompts``: expired jobs whose words were removed. ``left``: what is due when everything has been done, by
    category; nothing, if nothing failed.
    """

    dry_run: bool
    partial_writes: int = 0
    withheld: str | None = None
    prompts: int = 0
    objects: dict[str, Tally] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)
    left: dict[str, int] = field(default_factory=dict)

    @property
    def clean(self) -> bool:
        """Whether all that was due is gone."""
        return not self.left and not any(tally.failed for tally in self.objects.values())

    def tally(self, category: str) -> Tally:
        """The tally of a category."""
        return self.objects.setdefault(category, Tally())

    def as_json(self) -> dict[str, Any]:
        """For printing."""
        return asdict(self) | {"clean": self.clean}

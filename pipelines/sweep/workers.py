"""Ray Data as the sweep uses it: ids and object keys go in, outcomes come out, and workers do the rest themselves.

A retry repeats what a worker did: that is why everything a worker does is idempotent.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import ray

from cluster import settings
from cluster.storage.erasure import Absent, Erased, Erasure, Failed
from pipelines.sweep.erase import Eraser
from pipelines.sweep.stores import open_stores

__all__ = ["by_ray_data"]

_WORKERS: Final = 2
_BATCH: Final = 1000
"""As many objects as a store erases by one request. Two workers keep it busy, and each takes seconds to start."""


class _Worker:
    """One process with stores of its own."""

    def __init__(self, erase: Eraser) -> None:
        self._erase = erase
        self._stores = open_stores(settings.load())

    def __call__(self, batch: dict[str, np.ndarray[Any, Any]]) -> dict[str, list[str]]:
        names = [str(name) for name in batch["name"]]
        outcomes = self._erase(self._stores, names)
        return {"name": names, "outcome": [_word(outcomes[name]) for name in names]}


def by_ray_data(erase: Eraser, names: Sequence[str]) -> Mapping[str, Erasure]:
    """Have a shard done; the worker commits each outcome itself, and what comes back only counts."""
    blocks = -(-len(names) // _BATCH)
    done = ray.data.from_items([{"name": name} for name in names], override_num_blocks=blocks).map_batches(
        _Worker,
        fn_constructor_args=(erase,),
        batch_size=_BATCH,
        compute=ray.data.ActorPoolStrategy(size=min(_WORKERS, blocks)),
        num_cpus=0,
    )
    return {row["name"]: _outcome(row["outcome"]) for row in done.iter_rows()}


def _word(outcome: Erasure) -> str:
    match outcome:
        case Erased():
            return "erased"
        case Absent():
            return "absent"
        case _:
            return outcome.reason


def _outcome(word: str) -> Erasure:
    match word:
        case "erased":
            return Erased()
        case "absent":
            return Absent()
        case _:
            return Failed(word)

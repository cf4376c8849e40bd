"""What a worker does with a shard. Each may be killed at any moment, and done again by anybody.

An object's row is doomed before the object is touched and removed after the store has said that the object is gone.
So a worker that dies leaves doomed rows, which are due again; what it had finished is `Absent` the next time. Of what
no row had doomed before, the store is not asked first whether it is there, and its answer is believed: the sweep goes
through all objects afterwards, and whatever is still there has no row any more and is found as an orphan.
"""

from collections.abc import Callable, Mapping, Sequence

from cluster import telemetry
from cluster.errors import Unavailable
from cluster.records import overdue
from cluster.storage.erasure import Absent, Erasure, Failed
from pipelines.sweep.stores import Stores

__all__ = ["Eraser", "erase_media", "erase_unnamed"]

Eraser = Callable[[Stores, Sequence[str]], Mapping[str, Erasure]]


def erase_media(stores: Stores, media_ids: Sequence[str]) -> Mapping[str, Erasure]:
    """Erase the objects of these rows, as far as they are still overdue, then the rows; the outcome of each id."""
    return _or_failed(_erase_media, stores, media_ids)


def erase_unnamed(stores: Stores, object_keys: Sequence[str]) -> Mapping[str, Erasure]:
    """Erase these objects, as far as still no row names them; the outcome of each key."""
    return _or_failed(_erase_unnamed, stores, object_keys)


def _erase_media(stores: Stores, media_ids: Sequence[str]) -> Mapping[str, Erasure]:
    taken = stores.database.run(overdue.take, media_ids, stores.unfinished)
    by_key = dict(stores.objects.delete_stored(each.object_key for each in taken if each.stored))
    by_key |= stores.objects.delete_many(each.object_key for each in taken if not each.stored)
    outcomes = {each.media_id: by_key[each.object_key] for each in taken}
    gone = [media_id for media_id, outcome in outcomes.items() if not isinstance(outcome, Failed)]
    stores.database.run(overdue.forget, gone)
    return dict.fromkeys(media_ids, Absent()) | outcomes


def _erase_unnamed(stores: Stores, object_keys: Sequence[str]) -> Mapping[str, Erasure]:
    unnamed = stores.database.run(overdue.unnamed, object_keys)
    return dict.fromkeys(object_keys, Absent()) | dict(stores.objects.delete_many(unnamed))


def _or_failed(erase: Eraser, stores: Stores, names: Sequence[str]) -> Mapping[str, Erasure]:
    """A part that is down fails its shard and no other; what was erased all the same is found out by the next run."""
    try:
        return erase(stores, names)
    except Unavailable as error:
        telemetry.log_failure("sweep_failed", error, code=error.code)
        return dict.fromkeys(names, Failed(error.code))

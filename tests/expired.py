"""Many expired objects at once, planted behind the backs of database and store."""

from collections.abc import Iterator
from pathlib import Path

from cluster.ids import new_id
from tests.world import World

__all__ = ["plant"]

_ROWS = """
    INSERT INTO media (id, account_id, kind, object_key, state, content_type, size, created_at, expires_at)
    SELECT split_part(key, '/', 2), :account, 'video', key, 'live', 'video/mp4', 6, now, now
    FROM unnest(CAST(:keys AS text[])) AS key, CAST(:now AS timestamptz) AS now
"""


def plant(world: World, folder: Path, count: int, now: object) -> list[str]:
    """Objects as files of ``folder``, which a store serves, and their rows; all expired at ``now``. Their keys."""
    keys = list(_keys(count))
    (folder / "video").mkdir(parents=True, exist_ok=True)
    for key in keys:
        (folder / key).write_bytes(b"sealed")
    world.sql(_ROWS, account=world.account(), keys=keys, now=now)
    return keys


def _keys(count: int) -> Iterator[str]:
    return (f"video/{new_id('media')}" for _ in range(count))

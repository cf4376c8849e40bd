"""Many expired objects at once, planted behind the backs of database and store.

A server that has looked at a folder before may not see what is put there afterwards: plant before it is asked.
"""

from pathlib import Path

from cluster.ids import new_id
from tests.world import World

__all__ = ["plant", "write"]

_ROWS = """
    INSERT INTO media (id, account_id, kind, object_key, state, content_type, size, created_at, expires_at)
    SELECT split_part(key, '/', 4), :account, 'video', key, 'live', 'video/mp4', 6, now, now
    FROM unnest(CAST(:keys AS text[])) AS key, CAST(:now AS timestamptz) AS now
"""


def plant(world: World, folder: Path, count: int, now: object) -> list[str]:
    """Objects as files of ``folder``, which a store serves, and their rows; all expired at ``now``. Their keys."""
    keys = write(folder, count)
    world.sql(_ROWS, account=world.account(), keys=keys, now=now)
    return keys


def write(folder: Path, count: int) -> list[str]:
    """Such objects without rows; their keys."""
    keys = [f"video/{new_id('video')}/1/{new_id('media')}" for _ in range(count)]
    for key in keys:
        (folder / key).parent.mkdir(parents=True)
        (folder / key).write_bytes(b"sealed")
    return keys

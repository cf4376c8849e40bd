"""Media planted in every state that the sweep knows, and the workers of a test: this very process."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from cluster import clock
from cluster.privacy.media_kinds import MediaKind
from cluster.records import media
from cluster.records.media import Medium
from cluster.storage.erasure import Erasure
from pipelines.sweep.erase import Eraser
from pipelines.sweep.report import Report
from pipelines.sweep.stores import Stores
from pipelines.sweep.sweep import sweep
from tests.world import World

HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Garden:
    """A world with objects in it."""

    world: World
    stores: Stores

    def written(
        self, kind: MediaKind = MediaKind.VIDEO, *, account_id: str | None = None, life: timedelta | None = None
    ) -> Medium:
        """An object that was announced and put, and not yet accepted."""
        account_id = account_id or self.world.account()
        job_id, expires_at = self.world.job(account_id), clock.now() + life if life else None
        medium = self.world.run(
            media.begin, account_id, kind, "video/mp4", job_id=job_id, fence=0, expires_at=expires_at
        )
        self.stores.objects.put(medium.object_key, [b"sealed"])
        return medium

    def live(
        self, kind: MediaKind = MediaKind.VIDEO, *, account_id: str | None = None, life: timedelta | None = None
    ) -> Medium:
        """An object that its owner is shown."""
        medium = self.written(kind, account_id=account_id, life=life)
        self.world.run(media.finish, medium.id, 6)
        return medium

    def orphan(self) -> str:
        """An object whose row is gone."""
        medium = self.live()
        self.world.sql("DELETE FROM media WHERE id = :id", id=medium.id)
        return medium.object_key

    def sweep(self, *, dry_run: bool = False, after_restore: bool = False, shard: int = 3) -> Report:
        """A sweep in shards so small that there are several."""
        return sweep(self.stores, self._here, dry_run=dry_run, after_restore=after_restore, shard=shard)

    def rows(self) -> set[str]:
        """The keys of the objects that rows name."""
        return {row.object_key for row in self.world.sql("SELECT object_key FROM media")}

    def objects(self) -> set[str]:
        """The keys of the objects that there are."""
        return set(self.stores.objects.keys())

    def _here(self, erase: Eraser, names: Sequence[str]) -> Mapping[str, Erasure]:
        return erase(self.stores, names)

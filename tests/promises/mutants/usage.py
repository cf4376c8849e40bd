"""Use is counted without leave."""

from collections.abc import Callable, Mapping

from sqlalchemy import Connection, insert

from cluster import clock
from cluster.ids import new_id
from cluster.records.usage_events import UsageKind, usage_events
from tests.promises.harness.mutation import mutant


@mutant("P105", "P108", enforcement="cluster.records.usage_events:record")
def everybody_s_use_is_counted(_: object) -> Callable[..., bool]:
    def record(
        connection: Connection, account_id: str, kind: UsageKind, model: str | None, current: Mapping[str, str]
    ) -> bool:
        row = {"id": new_id("event"), "account_id": account_id, "kind": kind.value, "model": model}
        connection.execute(insert(usage_events).values(row | {"recorded_at": clock.now()}))
        return True

    return record

"""Things end too early, too late, or never."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from sqlalchemy import Case, ColumnElement, Connection, and_, case, or_

from cluster import clock
from cluster.records import jobs
from cluster.records.media import media
from cluster.records.overdue import Reason
from tests.promises.harness.mutation import mutant

YEAR = timedelta(days=365)


@mutant("P38", enforcement="cluster.records.overdue:_reason")
def media_end_after_a_year(_: object) -> Callable[[timedelta], Case[Any]]:
    return lambda unfinished: case((media.c.created_at < clock.now() - YEAR, Reason.EXPIRED.value), else_=None)


@mutant("P38", enforcement="cluster.records.expiry:_is_over")
def what_has_no_end_is_over(_: object) -> Callable[[], ColumnElement[bool]]:
    table = jobs.jobs.c
    no_end = or_(table.expires_at.is_(None), table.expires_at <= clock.now())
    return lambda: and_(no_end, table.erased_at.is_(None))


@mutant("P38", enforcement="cluster.records.lifecycle:delete")
def a_deletion_only_hides(_: object) -> Callable[..., bool]:
    def delete(connection: Connection, account_id: str, job_id: str) -> bool:
        jobs.erase_content(connection, job_id)
        return True

    return delete


@mutant("P38", enforcement="cluster.records.media:doom_account")
def media_outlive_their_account(_: object) -> Callable[..., None]:
    return lambda connection, account_id: None


@mutant("P39", enforcement="cluster.records.media:doom")
def nothing_is_given_up(_: object) -> Callable[..., None]:
    return lambda connection, job_id, kinds: None


@mutant("P39", enforcement="cluster.records.overdue:_reason")
def the_sweep_only_finishes_what_others_began(_: object) -> Callable[[timedelta], Case[Any]]:
    return lambda unfinished: case((media.c.state == "doomed", Reason.DOOMED.value), else_=None)


@mutant("P39", enforcement="cluster.records.fetches:remove_expired")
def links_are_kept(_: object) -> Callable[[Connection], int]:
    return lambda connection: 0

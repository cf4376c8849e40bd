"""Seal what a recipient made, as it came: nobody has looked at it, and stages without a way out do."""

import asyncio
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from cluster.privacy.media_kinds import MediaKind
from cluster.records import media, submissions
from cluster.records.media import Medium
from cluster.records.submissions import Submission
from serve.egress.recipient import Recipient
from serve.resources import WebResources

__all__ = ["keep_result"]


async def keep_result(resources: WebResources, recipient: Recipient, submission: Submission, video: bytes) -> None:
    """Seal the video and end the submission, in this order; if it is somebody else's by now, the video goes again."""
    database, store = resources.database, resources.store
    medium = await database.run(_announce, submission)
    size = await asyncio.to_thread(store.put, medium.object_key, submission.account_id, medium.id, [video])
    due, ending = recipient.after_the_end(submission.task)
    if not await database.run(_end, submission, medium, size, due, ending):
        await database.run(media.doom_unaccepted, medium.id)


def _announce(connection: Connection, submission: Submission) -> Medium:
    return media.begin(
        connection,
        submission.account_id,
        MediaKind.RECEIVED,
        "application/octet-stream",
        job_id=submission.job_id,
        fence=submission.fence,
    )


def _end(
    connection: Connection,
    submission: Submission,
    medium: Medium,
    size: int,
    due: datetime | None,
    ending: dict[str, Any],
) -> bool:
    done = {"state": "done", "media_id": medium.id, "percent": 100} | ending
    if not submissions.release(connection, submission, due, **done):
        return False
    media.finish(connection, medium.id, size)
    return True

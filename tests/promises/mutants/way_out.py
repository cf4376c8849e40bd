"""More leaves than may, or sooner, or longer than it may; or it stays where it went."""

import io
import json
from collections.abc import Awaitable, Callable
from typing import Any

from PIL import Image

from cluster.records import jobs
from serve.egress.parcels import Parcel
from serve.egress.wire import SubmissionWire
from serve.recipients.payload import Payload, Picture
from tests.promises.harness.mutation import mutant

Pack = Callable[..., Awaitable[Parcel | None]]


@mutant("P46", "P47", "P49", "P50", "P51", "P52", enforcement="serve.egress.parcels:pack")
def the_account_goes_along(original: Pack) -> Pack:
    async def pack(*arguments: Any) -> Parcel | None:
        parcel = await original(*arguments)
        if parcel is None:
            return None
        payload = parcel.payload.model_copy(
            update={"prompt": f"{parcel.payload.prompt} for {parcel.subject.account_id}"}
        )
        return Parcel(payload, parcel.subject)

    return pack


@mutant("P48", enforcement="serve.egress.parcels:pack")
def what_is_known_of_the_faces_goes_along(original: Pack) -> Pack:
    async def pack(resources: Any, submission: Any, *others: Any) -> Parcel | None:
        parcel = await original(resources, submission, *others)
        job = await resources.database.run(jobs.get, submission.job_id)
        if parcel is None or job is None:
            return None
        prompt = f"{parcel.payload.prompt} {json.dumps(dict(job.facts))}"
        return Parcel(parcel.payload.model_copy(update={"prompt": prompt}), parcel.subject)

    return pack


@mutant("P48", enforcement="serve.egress.parcels:_picture")
def a_picture_says_where_the_face_is(original: Callable[..., Picture]) -> Callable[..., Picture]:
    def picture(*arguments: Any) -> Picture:
        clean, marked = original(*arguments), io.BytesIO()
        Image.open(io.BytesIO(clean.data)).save(marked, "JPEG", comment=b"a face at 231, 118")
        return clean.model_copy(update={"data": marked.getvalue()})

    return picture


@mutant("P48", enforcement="serve.recipients.payload:Payload")
def a_payload_takes_faces(original: type[Payload]) -> type[Payload]:
    class Telling(original):  # type: ignore[misc,valid-type]  # the original is known at run time only
        faces: tuple[float, ...] = ()

    return Telling


@mutant("P63", enforcement="cluster.records.disclosures:_check")
def nobody_is_asked(_: Callable[..., None]) -> Callable[..., None]:
    return lambda *_: None


@mutant("P66", enforcement="serve.egress.cuts:Cuts.look")
def nobody_looks(_: Callable[..., Any]) -> Callable[..., Any]:
    async def look(self: Any) -> None:
        pass

    return look


@mutant("P59", enforcement="serve.egress.wire:SubmissionWire.send")
def an_adapter_may_send_again(original: Callable[..., Any]) -> Callable[..., Any]:
    async def send(self: SubmissionWire, request: Any) -> Any:
        self.used = False
        return await original(self, request)

    return send


@mutant("P72", enforcement="serve.egress.wire:RecipientLine._pinned")
def plain_http_will_do(_: Callable[..., Any]) -> Callable[..., Any]:
    async def pinned(self: Any, url: str) -> Any:
        return await self.rules.pin(url)

    return pinned


@mutant("P77", enforcement="serve.egress.following:Following.delete_copy")
def copies_are_called_deleted(original: Callable[..., Any]) -> Callable[..., Any]:
    async def delete(self: Any, recipient: Any, submission: Any) -> None:
        class Kept:
            async def delete(self, *_: Any) -> str:
                return "deleted"

        class Known:
            adapter = Kept()
            client = recipient.client

        await original(self, Known(), submission)

    return delete


@mutant("P126", enforcement="cluster.records.accounts:known_minor")
def nobody_is_known_to_be_a_minor(_: Callable[..., bool]) -> Callable[..., bool]:
    return lambda *_: False


@mutant("P126", enforcement="cluster.records.accounts:disclosing")
def the_way_out_knows_of_no_minors(original: Callable[..., Any]) -> Callable[..., Any]:
    def disclosing(*arguments: Any) -> tuple[int, bool] | None:
        found = original(*arguments)
        return (found[0], False) if found else None

    return disclosing

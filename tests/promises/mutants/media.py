"""More of a photo is kept than its pixels, or more than one photo is taken."""

from collections.abc import Callable, Coroutine
from dataclasses import replace
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from starlette.datastructures import FormData

from cluster.privacy.media_kinds import MediaKind
from serve.ingestion import Ingestion
from serve.ingress.forms import Submission
from serve.ingress.services import Services
from serve.stage import StageRun
from tests.promises.harness.mutation import mutant

Cleaning = Callable[[NDArray[np.uint8]], tuple[bytes, str]]


@mutant("P110", enforcement="serve.ingestion:Ingestion.work")
def uploads_are_stored_as_they_came(_: object) -> Callable[..., dict[str, Any]]:
    def work(self: Ingestion, run: StageRun) -> dict[str, Any]:
        upload, data = run.read(MediaKind.UPLOAD)
        run.write(MediaKind.INPUT, "image/jpeg", [data], derived_from=upload.id)
        return {}

    return work


@mutant("P110", enforcement="serve.ingress.file_intake:_clean")
def files_are_stored_as_they_came(original: Callable[[Services, bytes], Any]) -> Callable[[Services, bytes], Any]:
    def clean(services: Services, picture: bytes) -> Any:
        return replace(original(services, picture), data=picture)

    return clean


@mutant("P110", enforcement="serve.media.decode:encode_clean")
def pictures_are_signed(original: Cleaning) -> Cleaning:
    def encode_clean(rgb: NDArray[np.uint8]) -> tuple[bytes, str]:
        out, notes = BytesIO(), Image.Exif()
        notes[0x010E] = "a description"
        Image.fromarray(rgb).save(out, "JPEG", exif=notes)
        return out.getvalue(), original(rgb)[1]

    return encode_clean


@mutant("P111", enforcement="serve.ingress.forms:_submission")
def further_photos_are_accepted(
    original: Callable[[FormData], Coroutine[Any, Any, Submission]],
) -> Callable[[FormData], Coroutine[Any, Any, Submission]]:
    async def submission(form: FormData) -> Submission:
        first = dict(reversed(form.multi_items()))
        return await original(FormData(list(first.items())))

    return submission

"""Reads a batch: every item is checked as a create request of its own, and one that is wrong refuses them all."""

import asyncio
import json
import re
from collections.abc import Mapping
from typing import Any, Final

from cluster.errors import InvalidRequest, ServiceError
from cluster.records import subjects
from cluster.records.video_batch_items import ItemKey, NewItem
from serve.ingress.forms import submission_of
from serve.ingress.order import Order, read_order
from serve.ingress.services import Services

__all__ = ["MAX_ITEMS", "batch_schema", "order_of", "read_batch"]

MAX_ITEMS: Final = 1000
_ITEMS: Final = "items"
_CUSTOM_ID: Final = "custom_id"
_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")


async def read_batch(services: Services, account_id: str, given: Mapping[str, Any]) -> list[NewItem]:
    """The items of a batch, in their order.

    Raises:
        ServiceError: one of them is not acceptable; the error's ``param`` says which, and which field of it.
    """
    items = given.get(_ITEMS)
    if given.keys() != {_ITEMS} or not isinstance(items, list) or not 1 <= len(items) <= MAX_ITEMS:
        raise InvalidRequest(f"items: this, and nothing else, must be a list of 1 to {MAX_ITEMS}.", param=_ITEMS)
    read, names = [], set[str]()
    for position, item in enumerate(items):
        try:
            new = await _read(services, account_id, item)
            if new.custom_id in names:
                raise InvalidRequest("custom_id: another item of this batch has the same.", param=_CUSTOM_ID)
        except ServiceError as error:
            error.param = f"{_ITEMS}[{position}]" + (f".{error.param}" if error.param else "")
            raise
        names |= {new.custom_id} if new.custom_id else set()
        read.append(new)
        await asyncio.sleep(0)  # others are served between two items
    return read


async def order_of(services: Services, request: str, key: ItemKey) -> Order:
    """What an item that was read before asks for. Raises as `read_order`: a model may have been retired since."""
    return await _order(services, json.loads(request), key)


def batch_schema(create: Mapping[str, Any]) -> dict[str, Any]:
    """What a batch takes, for the documentation; ``create`` is what a create request takes."""
    item: dict[str, Any] = create["requestBody"]["content"]["application/json"]["schema"]
    name = {"type": "string", "pattern": f"^{_NAME.pattern}$", "description": "Your own name for the item."}
    described = item | {"properties": item["properties"] | {_CUSTOM_ID: name}}
    items = {"type": "array", "minItems": 1, "maxItems": MAX_ITEMS, "items": described}
    schema = {"type": "object", "required": [_ITEMS], "properties": {_ITEMS: items}}
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


async def _read(services: Services, account_id: str, item: object) -> NewItem:
    if not isinstance(item, dict):
        raise InvalidRequest("Each item must be a JSON object, as for POST /v1/videos.")
    fields = dict(item)
    custom_id = fields.pop(_CUSTOM_ID, None)
    if custom_id is not None and not (isinstance(custom_id, str) and _NAME.fullmatch(custom_id)):
        raise InvalidRequest("custom_id: this must be 1 to 64 letters, digits, '_' or '-'.", param=_CUSTOM_ID)
    order = await _order(services, fields)
    subject = order.subject
    found_by = subjects.lookup(services.resources.keys, account_id, subject) if isinstance(subject, str) else None
    return NewItem(_written(fields), custom_id, found_by)


def _written(fields: Mapping[str, Any]) -> str:
    try:
        return json.dumps(fields, sort_keys=True)
    except RecursionError:
        raise InvalidRequest("This is nested too deeply.") from None


async def _order(services: Services, fields: Mapping[str, Any], key: ItemKey | None = None) -> Order:
    submission = submission_of(fields)
    if submission.photo is not None:
        raise InvalidRequest("A batch takes photos by file_id or image_url only.", param="input_reference")
    return await read_order(services, submission, None, key)

"""Ways to send a batch and to see what came of it."""

from collections.abc import Sequence
from typing import Any

from serve.ingress.batch_driver import drive
from tests.api import Api, Person
from tests.unit.ingress.test_files import kept

__all__ = ["accept_all", "ask", "asked", "counts", "failures", "outcomes", "send", "sent"]


def ask(file_id: str, **fields: Any) -> dict[str, Any]:
    """An item of one second."""
    return {"prompt": "x", "seconds": "1", "input_reference": {"file_id": file_id}} | fields


def asked(person: Person, number: int) -> list[dict[str, Any]]:
    """So many items of one file, each with a name."""
    file_id = kept(person)
    return [ask(file_id, custom_id=f"n-{place}") for place in range(number)]


def send(person: Person, items: Any, key: str | None = None) -> Any:
    """POST a batch."""
    headers = {"idempotency-key": key} if key else {}
    return person.post("/v1/video_batches", json={"items": items}, headers=headers)


def sent(person: Person, items: Sequence[Any]) -> str:
    """The id of a batch that was taken."""
    answer = send(person, items)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["id"])


def accept_all(api: Api) -> None:
    """Do what the loops of a replica do, once."""
    api.await_(drive, api.services)


def counts(person: Person, batch_id: str) -> dict[str, int]:
    """The counts of a batch that are not 0, and its status among them as a name."""
    batch = person.get(f"/v1/video_batches/{batch_id}").json()
    return {name: number for name, number in batch["counts"].items() if number} | {batch["status"]: 1}


def outcomes(person: Person, batch_id: str) -> list[dict[str, Any]]:
    """All items of a batch, page by page."""
    found: list[dict[str, Any]] = []
    query: dict[str, Any] = {"limit": 7}
    while True:
        page = person.get(f"/v1/video_batches/{batch_id}/items", params=query).json()
        found += page["data"]
        if not page["has_more"]:
            return found
        query["after"] = found[-1]["index"]


def failures(person: Person, batch_id: str) -> dict[str, str]:
    """The codes of the refused items, by their names."""
    items = outcomes(person, batch_id)
    return {item["custom_id"]: item["error"]["code"] for item in items if item["status"] == "failed"}

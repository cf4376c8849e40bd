"""What people do in promise tests, each in one place."""

from typing import Any

from tests.api import Person

__all__ = ["answer", "answer_body", "state", "version_of"]


def version_of(person: Person, purpose: str) -> str:
    """The version of the purpose's current notice."""
    notices = person.get("/v1/notices").json()["data"]
    return str(next(notice["version"] for notice in notices if notice["purpose"] == purpose))


def answer_body(person: Person, purpose: str, granted: object, *, version: object = None) -> dict[str, object]:
    """An answer to a notice, the current one unless another version is named; whatever is given is in it."""
    return {"purpose": purpose, "notice_version": version or version_of(person, purpose), "granted": granted}


def answer(person: Person, purpose: str, granted: object) -> Any:
    """Log in afresh and answer the current notice."""
    return person.login().post("/v1/consents", json=answer_body(person, purpose, granted))


def state(person: Person, purpose: str) -> str:
    """Where somebody stands on a purpose."""
    standing = person.get("/v1/consents").json()["data"]
    return str(next(one["state"] for one in standing if one["purpose"] == purpose))

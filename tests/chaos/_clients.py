"""Clients that insist, as a good SDK does: what breaks or is refused for a time is asked again, with the same key."""

import hashlib
import itertools
import time
from collections.abc import Callable, Mapping
from io import BytesIO

import cv2
import httpx
import numpy as np

from tests.chaos.journal import Journal
from tests.photos import jpeg, person

__all__ = ["PATIENCE", "Client", "small_photo"]

PATIENCE = 240.0
_PAUSE = 0.2
_AGAIN = frozenset({408, 409, 429, 502, 503, 504})
_GONE = 404
CHEAP = {"prompt": "pan", "seconds": "1", "fps": "12", "size": "256x256"}


def small_photo() -> bytes:
    """A portrait that is quickly made into a video."""
    return jpeg(np.asarray(cv2.resize(person(), (256, 256), interpolation=cv2.INTER_AREA), np.uint8))


class Client:
    """One account. Whatever it is told goes into the journal."""

    ACTIVE = ("queued", "in_progress")

    def __init__(self, url: str, journal: Journal, photo: bytes) -> None:
        """Sign up."""
        self._journal, self._photo = journal, photo
        self._numbers = itertools.count()
        self.http = httpx.Client(base_url=url, timeout=30)
        made = self._insist(lambda: self.http.post("/v1/accounts", json={})).json()
        self.account_id: str = made["account_id"]
        self.http.headers["Authorization"] = f"Bearer {made['api_key']}"
        self.jobs: list[str] = []

    def create(self, **parameters: str) -> str:
        """Ask for a video until there is an answer; its id."""
        return self._accepted(CHEAP | parameters)

    def share(self, model: str) -> str:
        """The same for a third party's model."""
        return self._accepted({"prompt": "pan", "model": model, "people_agree": "true"})

    def answer(self, recipient: str, granted: bool) -> None:
        """Agree to sharing with a third party, or withdraw that."""
        key = self.http.headers["Authorization"].partition(" ")[2]
        token = self._insist(lambda: self.http.post("/v1/sessions", json={"api_key": key})).json()["token"]
        purpose = f"share:{recipient}"
        notices = self._insist(lambda: self.http.get("/v1/notices")).json()["data"]
        (version,) = [each["version"] for each in notices if each["purpose"] == purpose]
        body = {"purpose": purpose, "notice_version": version, "granted": granted}
        fresh = {"Authorization": f"Bearer {token}"}
        self._insist(lambda: self.http.post("/v1/consents", json=body, headers=fresh)).raise_for_status()
        self.http.cookies.clear()

    def _accepted(self, fields: Mapping[str, str]) -> str:
        key = f"request-{next(self._numbers)}"
        answer = self._insist(lambda: self._post(key, fields))
        assert answer.status_code == 200, answer.text
        job_id = str(answer.json()["id"])
        self._journal.was_accepted(self.account_id, key, job_id)
        self.jobs.append(job_id)
        return job_id

    def post(self, key: str, **parameters: str) -> httpx.Response:
        """Ask once for a cheap video."""
        return self._post(key, CHEAP | parameters)

    def _post(self, key: str, fields: Mapping[str, str]) -> httpx.Response:
        files = {"input_reference": BytesIO(self._photo)}
        return self.http.post("/v1/videos", data=fields, files=files, headers={"Idempotency-Key": key})

    def look(self, job_id: str) -> str:
        """The state that the job is said to be in; `deleted` if it is said not to be there."""
        answer = self._insist(lambda: self.http.get(f"/v1/videos/{job_id}"))
        if answer.status_code == _GONE:
            return "deleted"
        state = str(answer.json()["status"])
        self._journal.was_seen(job_id, state)
        return state

    def download(self, job_id: str) -> None:
        """Fetch the bytes of a job; one that is not completed has none."""
        answer = self._insist(lambda: self.http.get(f"/v1/videos/{job_id}/content"), final=409)
        if answer.status_code == 200:
            self._journal.was_seen(job_id, "completed", hashlib.sha256(answer.content).hexdigest())

    def cancel(self, job_id: str) -> None:
        """Stop a job; one that has ended cannot be stopped."""
        answer = self._insist(lambda: self.http.post(f"/v1/videos/{job_id}/cancel"), final=409)
        if answer.status_code == 200:
            self._journal.was_seen(job_id, answer.json()["status"])

    def delete(self, job_id: str) -> None:
        """Erase a job."""
        answer = self._insist(lambda: self.http.delete(f"/v1/videos/{job_id}"))
        if answer.status_code == 200 or answer.status_code == _GONE:
            self._journal.was_deleted(job_id)

    def review(self) -> None:
        """Look at every job again, and at what was delivered."""
        for job_id in self.jobs:
            if self.look(job_id) == "completed":
                self.download(job_id)

    def _insist(self, send: Callable[[], httpx.Response], final: int | None = None) -> httpx.Response:
        """Send until the answer is more than that one should ask again; ``final`` is the status that is."""
        give_up = time.monotonic() + PATIENCE
        while True:
            try:
                answer = send()
            except httpx.TransportError:
                if time.monotonic() > give_up:
                    raise
            else:
                if answer.status_code == 500:
                    self._journal.was_answered_with_a_fault(answer.request.method, answer.request.url.path)
                elif answer.status_code not in _AGAIN or answer.status_code == final:
                    return answer
                assert time.monotonic() < give_up, answer.text
            time.sleep(_PAUSE)

"""What clients of the service were told. Whatever died meanwhile, it must still be true afterwards."""

import threading
from collections.abc import Mapping

from cluster.records.job_states import ACTIVE, JobState

__all__ = ["Journal"]


class Journal:
    """Accepted jobs, answers about them, and answers that contradict earlier ones. Safe for threads."""

    def __init__(self) -> None:
        """Nothing was told yet."""
        self._lock = threading.Lock()
        self._requests: dict[tuple[str, str], str] = {}
        self._ends: dict[str, JobState] = {}
        self._digests: dict[str, str] = {}
        self._deleted: set[str] = set()
        self._contradictions: list[str] = []

    @property
    def accepted(self) -> frozenset[str]:
        """The jobs that were answered with a 200."""
        with self._lock:
            return frozenset(self._requests.values())

    @property
    def accounts(self) -> frozenset[str]:
        """The accounts that asked for them."""
        with self._lock:
            return frozenset(account_id for account_id, _ in self._requests)

    @property
    def ends(self) -> Mapping[str, JobState]:
        """How jobs were said to have ended."""
        with self._lock:
            return dict(self._ends)

    @property
    def deleted(self) -> frozenset[str]:
        """The jobs that were said to be deleted."""
        with self._lock:
            return frozenset(self._deleted)

    @property
    def contradictions(self) -> list[str]:
        """What cannot be true together."""
        with self._lock:
            return list(self._contradictions)

    def was_accepted(self, account_id: str, idempotency_key: str, job_id: str) -> None:
        """A create with this key was answered with this job."""
        with self._lock:
            known = self._requests.setdefault((account_id, idempotency_key), job_id)
            if known != job_id:
                self._contradictions.append(f"one Idempotency-Key was answered with {known} and {job_id}")

    def was_seen(self, job_id: str, state: str, digest: str | None = None) -> None:
        """The job was said to be in this state, and its bytes to have this digest."""
        told = JobState(state)
        with self._lock:
            ended = self._ends.get(job_id)
            if ended and told is not ended:
                self._contradictions.append(f"{job_id} was said to be {ended}, then {told}")
            elif told not in ACTIVE:
                self._ends[job_id] = told
            if digest and self._digests.setdefault(job_id, digest) != digest:
                self._contradictions.append(f"{job_id} was delivered with two contents")

    def was_answered_with_a_fault(self, method: str, path: str) -> None:
        """A request was answered with a 500: a death is never the caller's nor a programming error."""
        with self._lock:
            self._contradictions.append(f"{method} {path} was answered with a 500")

    def was_deleted(self, job_id: str) -> None:
        """The job was said to be deleted."""
        with self._lock:
            self._deleted.add(job_id)

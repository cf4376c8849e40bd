"""The tasks of an emulated provider, in memory: what was accepted, how far it is, and how often was paid."""

import secrets
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from cluster import clock
from tests.emulators.script import Fault, Step

__all__ = ["Stage", "Task", "Tasks"]


class Stage(StrEnum):
    """How far a task is; each vendor has words of its own for it."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    CANCELLED = "cancelled"


@dataclass(slots=True)
class Task:
    """An accepted task."""

    id: str
    model: str
    prompt: str
    photo: bytes
    """The image as the vendor decoded it."""
    seconds: int
    polls_left: int
    created_at: datetime = field(default_factory=clock.now)
    changed_at: datetime = field(default_factory=clock.now)
    stage: Stage = Stage.WAITING
    polled: bool = False
    fate: Fault | None = None
    reference: str | None = None
    """The caller's own id of it, where the vendor takes one."""
    token: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    """What the address of the result is made of."""

    def meet(self, step: Step | None) -> None:
        """Let what `Emulator.gate` left over stick to the task."""
        if step is None or step.fault is Fault.DROP_AFTER_ACCEPT:
            return
        if step.fault is Fault.SLOW_PROGRESS:
            self.polls_left += int(step.amount)
        else:
            self.fate = step.fault

    def advance(self) -> Stage:
        """One poll: the first finds it waiting, the others running, until there are none left."""
        if self.stage in (Stage.DONE, Stage.CANCELLED):
            return self.stage
        if self.polls_left <= 0:
            self._to(Stage.DONE)
        elif self.polled:
            self._to(Stage.RUNNING)
        self.polled = True
        self.polls_left -= 1
        return self.stage

    def cancel(self) -> bool:
        """Cancel it if it has not begun; returns whether it did."""
        if self.stage is not Stage.WAITING:
            return False
        self._to(Stage.CANCELLED)
        return True

    def _to(self, stage: Stage) -> None:
        if self.stage is not stage:
            self.stage, self.changed_at = stage, clock.now()


class Tasks:
    """All tasks of one emulator, oldest first."""

    def __init__(self, poll_steps: int) -> None:
        """Each task is done after `poll_steps` polls that find it unfinished."""
        self.poll_steps = poll_steps
        self.paid = 0
        """How many submissions were accepted: each is paid for, whatever comes of it."""
        self._tasks: dict[str, Task] = {}

    def create(
        self, task_id: str, model: str, prompt: str, photo: bytes, seconds: int, reference: str | None = None
    ) -> Task:
        """Accept a task under an id of the vendor's own shape."""
        task = Task(task_id, model, prompt, photo, seconds, self.poll_steps, reference=reference)
        self._tasks[task_id] = task
        self.paid += 1
        return task

    def get(self, task_id: str) -> Task | None:
        """The task of that id, unless the provider lost it."""
        task = self._tasks.get(task_id)
        return None if task is None or task.fate is Fault.LOST_TASK else task

    def by_token(self, token: str) -> Task | None:
        """The task whose result has that address."""
        return next((task for task in self._tasks.values() if task.token == token), None)

    def all(self) -> list[Task]:
        """What a list shows: lost ones are not there, and duplicates are there twice."""
        known = [task for task in self._tasks.values() if task.fate is not Fault.LOST_TASK]
        return [task for task in known for _ in range(2 if task.fate is Fault.DUPLICATE else 1)]

    def delete(self, task_id: str) -> bool:
        """Forget a task; returns whether there was one."""
        return self._tasks.pop(task_id, None) is not None

    def clear(self) -> None:
        """Forget all tasks, and that they were paid for."""
        self._tasks.clear()
        self.paid = 0

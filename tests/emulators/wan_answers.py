"""How DashScope words what it knows of a task: in a poll, and in a list, where the names differ."""

from datetime import datetime
from typing import Any, Final

from cluster import clock
from tests.emulators.script import Fault
from tests.emulators.tasks import Stage, Task

__all__ = ["listed", "output", "status", "usage"]

_STATUS: Final = {
    Stage.WAITING: "PENDING",
    Stage.RUNNING: "RUNNING",
    Stage.DONE: "SUCCEEDED",
    Stage.CANCELLED: "CANCELED",
}
_MODERATED: Final = {Fault.MODERATED_INPUT: "Input", Fault.MODERATED_OUTPUT: "Output"}


def status(task: Task) -> str:
    """The state of a task. One whose input or output is refused fails as soon as it is done."""
    return "FAILED" if task.stage is Stage.DONE and task.fate in _MODERATED else _STATUS[task.stage]


def output(task: Task, result_url: str) -> dict[str, Any]:
    """What a poll says of a task."""
    head = {"task_id": task.id, "task_status": status(task), "submit_time": _written(task.created_at)}
    if task.stage is not Stage.DONE:
        return head
    head |= {"end_time": _written(task.changed_at)}
    if task.fate in _MODERATED:
        # The worst that a vendor may do: to repeat what the user wrote.
        message = f"{_MODERATED[task.fate]} data may contain inappropriate content: {task.prompt}"
        return head | {"code": "DataInspectionFailed", "message": message}
    return head | {"orig_prompt": task.prompt, "video_url": result_url}


def usage(task: Task) -> dict[str, Any]:
    """What is charged for, beside the output of a success."""
    if status(task) != "SUCCEEDED":
        return {}
    return {"usage": {"duration": task.seconds, "video_count": 1}}


def listed(task: Task) -> dict[str, Any]:
    """A line of a list. Instants are milliseconds there."""
    milliseconds = clock.unix(task.created_at) * 1000
    return {
        "task_id": task.id,
        "model_name": task.model,
        "status": status(task),
        "start_time": milliseconds,
        "gmt_create": milliseconds,
        "region": "ap-southeast-1",
    }


def _written(instant: datetime) -> str:
    return instant.strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]

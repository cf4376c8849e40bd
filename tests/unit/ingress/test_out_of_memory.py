"""Whatever says that memory is not to be had: the attempt is counted, what it held is freed, and the code says so."""

import weakref
from collections.abc import Callable, Mapping
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from onnxruntime.capi.onnxruntime_pybind11_state import RuntimeException

from cluster.records.job_states import JobState, Stage
from serve.media.errors import MediaError
from serve.media.probe import decoding
from serve.memory import is_out_of_memory
from serve.stage import StageRun
from tests.api import WORK, Api, Person

TOO_MUCH = 2**55


def of_cuda() -> object:
    raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB.")


def of_onnxruntime() -> object:
    raise RuntimeException("[ONNXRuntimeError] : Failed to allocate memory for requested buffer of size 4611686018427")


def of_a_decoder() -> object:
    with decoding():
        return bytearray(TOO_MUCH)


WAYS: list[Callable[[], object]] = [
    lambda: bytearray(TOO_MUCH),
    lambda: np.ones(TOO_MUCH),
    lambda: torch.empty(TOO_MUCH),
    lambda: cv2.resize(np.zeros((9, 9), np.uint8), (2**18, 2**18)),
    of_cuda,
    of_onnxruntime,
    of_a_decoder,
]


@pytest.mark.parametrize("way", WAYS)
def test_it_is_told_by_every_library(way: Callable[[], object]) -> None:
    with pytest.raises(Exception) as raised:  # noqa: PT011 - each library has a type of its own
        way()
    assert is_out_of_memory(raised.value)


@pytest.mark.parametrize(
    "error", [RuntimeError("memory of a summer"), cv2.error("(-215:Assertion failed)"), MediaError("image_damaged", "")]
)
def test_no_other_error_is(error: Exception) -> None:
    assert not is_out_of_memory(error)


def test_the_job_fails_with_its_code_after_its_attempts_and_the_next_one_is_made(api: Api, person: Person) -> None:
    held: list[weakref.ref[Any]] = []

    def greedy(run: StageRun) -> Mapping[str, Any]:
        assert not any(reference() for reference in held), "the last attempt's memory is still held"
        taken = np.ones(2**20)
        held.append(weakref.ref(taken))
        cycle: list[object] = [taken]
        cycle.append(cycle)
        WORK[Stage.GENERATION](run)
        raise torch.OutOfMemoryError

    job_id = person.created()
    api.drive(job_id, WORK | {Stage.GENERATION: greedy})
    job = api.world.read(job_id)
    assert (job.state, job.error_code, job.attempts, len(held)) == (JobState.FAILED, "out_of_memory", 3, 3)
    assert api.world.transfers(job_id) == ["reserve", "release"]
    api.clean()
    assert api.snapshot().objects == frozenset()
    following = person.created()
    api.drive(following)
    assert api.world.read(following).state is JobState.COMPLETED

"""Working ahead in a thread changes neither order nor errors, and leaves no thread behind."""

import threading
import time
from collections.abc import Iterator

import pytest

from serve.engines.prefetch import prefetch


def test_order_is_kept() -> None:
    assert list(prefetch(iter(range(100)), 3)) == list(range(100))


def test_an_error_arrives_after_what_came_before() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise LookupError("from the producer")

    ahead = prefetch(items())
    assert next(ahead) == 1
    with pytest.raises(LookupError, match="from the producer"):
        next(ahead)


def test_only_so_many_items_ahead() -> None:
    made = 0

    def items() -> Iterator[int]:
        nonlocal made
        while True:
            made += 1
            yield made

    ahead = prefetch(items(), 2)
    assert next(ahead) == 1
    time.sleep(0.2)
    assert 3 <= made <= 4
    ahead.close()


def test_closing_ends_the_thread() -> None:
    def endless() -> Iterator[int]:
        while True:
            yield 0

    before = threading.active_count()
    ahead = prefetch(endless())
    next(ahead)
    assert threading.active_count() == before + 1
    ahead.close()
    assert threading.active_count() == before

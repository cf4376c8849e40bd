"""Let a producer work ahead of its consumer in a thread."""

from collections.abc import Generator, Iterator
from queue import Full, Queue
from threading import Event, Thread
from typing import Generic, TypeVar

T = TypeVar("T")


class _End:
    def __init__(self, error: BaseException | None) -> None:
        self.error = error


class _Producer(Thread, Generic[T]):
    def __init__(self, items: Iterator[T], ahead: int) -> None:
        super().__init__(name="prefetch", daemon=True)
        self.queue: Queue[T | _End] = Queue(ahead)
        self.stopped = Event()
        self._items = items

    def run(self) -> None:
        error: BaseException | None = None
        try:
            for item in self._items:
                if not self._put(item):
                    return
        except BaseException as raised:
            error = raised
        self._put(_End(error))

    def _put(self, item: T | _End) -> bool:
        while not self.stopped.is_set():
            try:
                self.queue.put(item, timeout=0.05)
            except Full:
                continue
            return True
        return False


def prefetch(items: Iterator[T], ahead: int = 2) -> Generator[T, None, None]:
    """Yield `items`, computed in a thread at most `ahead` items before they are asked for.

    What the producer raises is raised here. Closing this generator stops the producer after its current item.
    """
    producer = _Producer(items, ahead)
    producer.start()
    try:
        while not isinstance(item := producer.queue.get(), _End):
            yield item
        if item.error is not None:
            raise item.error
    finally:
        producer.stopped.set()
        producer.join()

"""Progress of one job, and the only place where an engine looks whether it should stop."""

from serve.engines.protocol import OnStep, ShouldStop, Stopped


class Steps:
    """Counts finished steps out of `total`; `done` reports one (or more) and may raise `Stopped`."""

    def __init__(self, total: int, on_step: OnStep, should_stop: ShouldStop) -> None:
        self._total = total
        self._done = 0
        self._on_step = on_step
        self._should_stop = should_stop

    def check(self) -> None:
        """Raises `Stopped` if the job should not go on."""
        if self._should_stop():
            raise Stopped

    def done(self, count: int = 1) -> None:
        """Report `count` finished steps, then `check`."""
        self._done += count
        self._on_step(self._done, self._total)
        self.check()

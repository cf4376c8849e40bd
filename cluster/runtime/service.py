"""What the supervisor keeps: parts that start, can be asked whether they work, and end."""

from typing import Protocol

__all__ = ["Service", "ServiceFailed"]


class ServiceFailed(Exception):
    """A part does not start; the message is a whole sentence for the operator."""


class Service(Protocol):
    """One part of the cluster. Its methods are called from one thread."""

    name: str
    needs: tuple[str, ...]
    """The parts that must work before this one starts."""
    patience: int
    """After how many bad answers, a second apart, it is started anew while its process lives."""

    def prepare(self) -> None:
        """Begin whatever needs none of the other parts."""

    def start(self) -> None:
        """Make it work; return when it does. Harmless where it works already.

        Raises:
            ServiceFailed: it does not.
        """

    def works(self) -> bool:
        """Whether it works now; answers within two seconds."""

    def stop(self) -> None:
        """End it, with every process that belongs to it."""

    def pid(self) -> int | None:
        """Its first process, where it has one of its own."""

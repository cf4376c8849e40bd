"""Names of engines, and how each is built."""

from collections.abc import Callable, Mapping
from pathlib import Path

from serve.engines.parallax.engine import ParallaxEngine
from serve.engines.protocol import Engine

_BUILDERS: dict[str, Callable[[Mapping[str, Path], str, int], Engine]] = {"parallax": ParallaxEngine}

ENGINES = tuple(_BUILDERS)


def create(name: str, weights: Mapping[str, Path], device: str = "cpu", threads: int = 0) -> Engine:
    """Load engine `name` with its networks' files onto `device` (`cpu` or `cuda`).

    `threads` bounds the CPU threads of its networks and of its rendering; 0 means all cores.
    Raises KeyError for an unknown name and for a missing weight.
    """
    return _BUILDERS[name](weights, device, threads)

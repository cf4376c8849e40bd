"""Memory: whether an error is its end, whatever library says so, and giving back what is not needed."""

import gc
import sys
from collections.abc import Iterator
from typing import Final

import psutil

__all__ = ["is_out_of_memory", "release", "resident_bytes"]

_IN_WORDS: Final = ("can't allocate memory", "not enough memory", "failed to allocate memory", "insufficient memory")
"""How torch on a CPU, ONNX Runtime and OpenCV say it: they have no type of their own for it."""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether the error, or one that led to it, says that memory was not to be had."""
    return any(_says_so(each) for each in _chain(error))


def release() -> None:
    """Collect what failed work has left behind, and give cached GPU memory back."""
    gc.collect()
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        torch.cuda.empty_cache()


def resident_bytes() -> int:
    """What this process holds in the host's memory."""
    return int(psutil.Process().memory_info().rss)


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    following: BaseException | None = error
    while following is not None and id(following) not in seen:
        seen.add(id(following))
        yield following
        following = following.__cause__ or following.__context__


def _says_so(error: BaseException) -> bool:
    torch = sys.modules.get("torch")
    if isinstance(error, MemoryError) or (torch is not None and isinstance(error, torch.OutOfMemoryError)):
        return True
    speaks = isinstance(error, RuntimeError) or type(error).__module__.startswith(("onnxruntime", "cv2"))
    return speaks and any(words in str(error).lower() for words in _IN_WORDS)

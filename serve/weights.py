"""From the names of weights in the catalogue to verified files."""

from collections.abc import Iterable
from pathlib import Path

from serve.catalogue import load
from serve.models.store import ModelStore

__all__ = ["open_weights"]


def open_weights(store: ModelStore, names: Iterable[str]) -> dict[str, Path]:
    """The files of these weights, each with the digest that the catalogue demands.

    Raises:
        WeightDigestMismatch: a file is not what it should be.
    """
    weights = load().weights
    return {name: store.path(weights[name]) for name in names}

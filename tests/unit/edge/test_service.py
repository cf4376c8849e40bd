"""What the runtime leaves for the edge, and how it renews it."""

import json
from pathlib import Path

import pytest

from cluster import runtime
from cluster.errors import Unavailable
from cluster.runtime import edge, layout
from cluster.runtime.edge import EdgeService
from cluster.runtime.service import ServiceFailed
from cluster.settings import Settings, configs_folder, read
from cluster.storage import certificates


@pytest.fixture
def service(edge_settings: Settings) -> EdgeService:
    """The service over folders that the runtime has made."""
    layout.make(runtime.paths(edge_settings))
    return EdgeService(edge_settings)


def test_it_makes_a_certificate_and_private_orders(service: EdgeService, edge_settings: Settings) -> None:
    service.start()
    file = runtime.paths(edge_settings).edge
    assert file.stat().st_mode & 0o777 == 0o600
    assert certificates.is_usable(edge.certificate(edge_settings))
    secret = runtime.edge_secret(edge_settings)
    assert secret is not None
    assert len(secret) == 64
    assert edge.runtime_headers(edge_settings) == {"x-i2v-edge": secret}
    assert service.works()


def test_the_secret_outlives_whoever_supervises(service: EdgeService, edge_settings: Settings) -> None:
    service.start()
    first = runtime.edge_secret(edge_settings)
    EdgeService(edge_settings).start()
    assert runtime.edge_secret(edge_settings) == first
    runtime.paths(edge_settings).edge.write_text("{}")
    EdgeService(edge_settings).start()
    assert runtime.edge_secret(edge_settings) != first


def test_before_it_nobody_is_served(edge_settings: Settings) -> None:
    with pytest.raises(Unavailable):
        runtime.edge_secret(edge_settings)
    assert edge.runtime_headers(edge_settings) == {}


def test_without_haproxy_there_is_no_secret(tmp_path: Path) -> None:
    bare = read(configs_folder(), {"I2V_DATA_FOLDER": str(tmp_path), "I2V_RAY_HAPROXY": "false"})
    assert runtime.edge_secret(bare) is None


def test_the_certificate_of_an_operator_is_used_and_never_replaced(tmp_path: Path) -> None:
    own = tmp_path / "own.pem"
    settings = read(configs_folder(), {"I2V_DATA_FOLDER": str(tmp_path), "I2V_TLS_CERTIFICATE": str(own)})
    layout.make(runtime.paths(settings))
    with pytest.raises(ServiceFailed, match=r"tls\.certificate"):
        EdgeService(settings).start()
    certificates.ensure_self_signed(own, {"service.example"})
    before = own.read_bytes()
    service = EdgeService(settings)
    service.start()
    assert service.works()
    assert own.read_bytes() == before
    assert json.loads(runtime.paths(settings).edge.read_text())["certificate"] == str(own)


def test_a_renewed_certificate_counts_once_it_is_good(service: EdgeService, edge_settings: Settings) -> None:
    service.start()
    file = edge.certificate(edge_settings)
    good = file.read_bytes()
    file.write_bytes(b"half of it")
    assert service.works()
    assert file.read_bytes() != good
    assert certificates.is_usable(file)

"""Browsers come over TLS and stay there, and in production nobody else's browser comes in any other way."""

import socket
import ssl

import pytest

from cluster.runtime.environment import environment
from cluster.settings import Settings, SettingsError, configs_folder, read
from tests.fixtures_edge import HOST, RunningEdge

ONE_YEAR = 31_536_000
PRODUCTION = {"I2V_PROFILE": "production"}


@pytest.mark.promise("P127")
def test_the_way_in_is_tls_and_browsers_keep_to_it(running_edge: RunningEdge) -> None:
    with running_edge.client() as client:
        served = client.get(running_edge.tls_url)
        refused = client.get(running_edge.tls_url, headers={"x-long": "a" * 9_000})
    assert served.json()["scheme"] == "https"
    for answer in (served, refused):
        policy = answer.headers["strict-transport-security"]
        assert int(policy.removeprefix("max-age=")) >= ONE_YEAR


@pytest.mark.promise("P127")
def test_old_versions_of_tls_are_refused(running_edge: RunningEdge) -> None:
    offered = ssl.create_default_context(cafile=running_edge.orders.certificate)
    address = (HOST, running_edge.ports.tls)
    with (
        socket.create_connection(address, 10) as connection,
        offered.wrap_socket(connection, server_hostname=HOST) as spoken,
    ):
        assert spoken.version() == "TLSv1.3"
    offered.set_ciphers("AES128-SHA")
    offered.maximum_version = ssl.TLSVersion.TLSv1_2
    with socket.create_connection(address, 10) as connection, pytest.raises(ssl.SSLError):
        offered.wrap_socket(connection, server_hostname=HOST)


@pytest.mark.promise("P127")
@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org"])
def test_production_serves_plain_http_on_the_loopback_alone(host: str) -> None:
    with pytest.raises(SettingsError, match=r"http\.host"):
        read(configs_folder(), PRODUCTION | {"I2V_HTTP_HOST": host})
    for loopback in ("127.0.0.1", "::1", "localhost"):
        assert read(configs_folder(), PRODUCTION | {"I2V_HTTP_HOST": loopback}).http.host == loopback


@pytest.mark.promise("P127")
def test_production_needs_the_edge() -> None:
    with pytest.raises(SettingsError, match=r"ray\.haproxy"):
        read(configs_folder(), PRODUCTION | {"I2V_RAY_HAPROXY": "false"})


@pytest.mark.promise("P127")
def test_the_parts_of_the_cluster_know_each_other_by_a_token(edge_settings: Settings) -> None:
    assert environment(edge_settings)["RAY_AUTH_MODE"] == "token"

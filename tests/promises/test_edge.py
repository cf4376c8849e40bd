"""Browsers come over TLS and stay there, and in production nobody else's browser comes in any other way."""

import socket
import ssl

import pytest

from cluster.runtime.environment import environment
from cluster.settings import Settings, SettingsError, configs_folder, read
from tests.fixtures_edge import HOST, RunningEdge

ONE_YEAR = 31_536_000
PRODUCTION = {"I2V_PROFILE": "production", "I2V_OPERATOR_NAME": "Quux Films", "I2V_OPERATOR_CONTACT": "x@quux.example"}


def handshake(address: tuple[str, int], context: ssl.SSLContext) -> str | None:
    """The version of TLS that is spoken, if there is any."""
    try:
        with (
            socket.create_connection(address, 10) as connection,
            context.wrap_socket(connection, server_hostname=HOST) as spoken,
        ):
            return spoken.version()
    except OSError:  # an ssl.SSLError is one
        return None


@pytest.mark.promise("P127")
def test_the_way_in_is_tls_and_browsers_keep_to_it(running_edge: RunningEdge) -> None:
    trusting = ssl.create_default_context(cafile=running_edge.orders.certificate)
    assert handshake((HOST, running_edge.ports.tls), trusting) == "TLSv1.3"
    with running_edge.client() as client:
        served = client.get(running_edge.tls_url)
        refused = client.get(running_edge.tls_url, headers={"x-long": "a" * 9_000})
    assert (served.json()["scheme"], refused.status_code) == ("https", 431)
    for answer in (served, refused):
        name, _, seconds = answer.headers.get("strict-transport-security", "").partition("=")
        assert name == "max-age"
        assert int(seconds) >= ONE_YEAR


@pytest.mark.promise("P127")
def test_only_strong_ciphers_are_spoken(running_edge: RunningEdge) -> None:
    address, offered = (
        (HOST, running_edge.ports.tls),
        ssl.create_default_context(cafile=running_edge.orders.certificate),
    )
    offered.maximum_version = ssl.TLSVersion.TLSv1_2
    assert handshake(address, offered) == "TLSv1.2"
    offered.set_ciphers("ECDHE-ECDSA-AES128-SHA")
    assert handshake(address, offered) is None


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
    assert environment(edge_settings).get("RAY_AUTH_MODE") == "token"

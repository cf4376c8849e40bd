"""The completion of Serve's configuration: all of it or nothing."""

import os
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from cluster.deploy.edge import Edge, UnexpectedConfiguration, complete, read
from cluster.runtime.environment import EDGE, environment
from cluster.settings import Settings
from tests.fixtures_edge import SECRET, Ports, serve_configuration

PORTS = Ports(http=18_000, tls=18_443, metrics=18_001, statistics=18_002, replica=18_003)


@pytest.fixture
def generated(tmp_path: Path) -> str:
    """What Serve writes."""
    return serve_configuration(tmp_path, PORTS).read_text()


def listeners(configuration: str) -> list[str]:
    return [line.split()[1] for line in configuration.splitlines() if line.split()[:1] == ["bind"]]


def test_nothing_listens_beyond_this_host_but_the_way_in(generated: str, edge_orders: Edge) -> None:
    assert {"*:18002", ":18001"} <= set(listeners(generated))
    public = replace(edge_orders, tls_host="::", tls_port=PORTS.tls)
    found = listeners(complete(generated, public))
    assert sorted(found) == ["127.0.0.1:18000", "127.0.0.1:18001", "127.0.0.1:18002", "[::]:18443"]


def test_nothing_goes_through_the_memory_of_ray(generated: str, edge_orders: Edge) -> None:
    assert "check backup" in generated
    assert "check backup" not in complete(generated, edge_orders)


def test_the_only_log_is_the_one_that_serve_counts_by(generated: str, edge_orders: Edge) -> None:
    targets = [line.split()[1] for line in complete(generated, edge_orders).splitlines() if line.startswith("    log ")]
    assert {target for target in targets if target != "global"} == {str(Path(edge_orders.certificate).parent / "log")}


@pytest.mark.parametrize(
    "line",
    [
        "    log 127.0.0.1:514 local0 info",
        "    option httplog",
        "    timeout client 3600s",
        "    bind 127.0.0.1:18000",
        "  bind *:18002",
        "    bind :18001",
    ],
)
def test_a_configuration_without_a_line_that_was_expected_is_refused(
    generated: str, edge_orders: Edge, line: str
) -> None:
    assert f"{line}\n" in generated
    with pytest.raises(UnexpectedConfiguration, match="has no line"):
        complete(generated.replace(f"{line}\n", ""), edge_orders)


@pytest.mark.parametrize("line", ["bind *:9000", "log 192.0.2.1:514 local0", "log stdout local0"])
@pytest.mark.parametrize("section", ["global", "frontend http_frontend", "listen stats"])
def test_a_configuration_that_listens_or_logs_elsewhere_is_refused(
    generated: str, edge_orders: Edge, section: str, line: str
) -> None:
    with pytest.raises(UnexpectedConfiguration, match="nothing is known"):
        complete(f"{generated}\n{section}\n    {line}\n", edge_orders)


def test_it_is_not_completed_twice(generated: str, edge_orders: Edge) -> None:
    with pytest.raises(UnexpectedConfiguration):
        complete(complete(generated, edge_orders), edge_orders)


def test_orders_survive_their_file(edge_orders: Edge) -> None:
    assert read(edge_orders.text()) == edge_orders


def started(settings: Settings, folder: Path) -> subprocess.CompletedProcess[str]:
    """Start HAProxy as Serve does, only to look at its configuration."""
    own = os.environ | environment(settings) | {"EDGE_ORDERS": str(folder / "orders.json")}
    command = [str(EDGE), "-c", "-f", str(folder / "haproxy.cfg")]
    return subprocess.run(command, env=own, capture_output=True, text=True, check=False)


def test_haproxy_starts_with_a_completed_configuration_and_with_no_other(
    generated: str, edge_settings: Settings, edge_orders: Edge, tmp_path: Path
) -> None:
    awkward = tmp_path / 'a folder with "quotes" and $HOME.pem'
    awkward.write_bytes(Path(edge_orders.certificate).read_bytes())
    (tmp_path / "orders.json").write_text(replace(edge_orders, certificate=str(awkward)).text())
    done = started(edge_settings, tmp_path)
    assert done.returncode == 0, done.stderr
    file = tmp_path / "haproxy.cfg"
    assert SECRET in file.read_text()
    assert file.stat().st_mode & 0o777 == 0o600

    file.write_text(generated.replace("option httplog", "option tcplog"))
    refused = started(edge_settings, tmp_path)
    assert refused.returncode != 0
    assert "HAProxy is not started." in refused.stderr
    (tmp_path / "orders.json").unlink()
    file.write_text(generated)
    assert started(edge_settings, tmp_path).returncode != 0

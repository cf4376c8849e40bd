"""A connection goes to the address that was checked, and the certificate is of the name that was meant."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from serve.egress.client import Client, Timeouts
from serve.egress.download import Download, download
from serve.egress.errors import EgressFailed
from tests.outside import PUBLIC, Names, outside, rules
from tests.unit.egress.certificates import Authority

NAME = "host.example"
TIMEOUTS = Timeouts(5, 5, 10)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """An authority that nobody else trusts."""
    return Authority(tmp_path)


@pytest.fixture
def trusting(authority: Authority) -> Client:
    """A client that trusts it."""
    return Client(TIMEOUTS, authority.trusted())


def read(client: Client, names: Names, url: str) -> bytes:
    return asyncio.run(download(client, rules(names), Download(url, 1000)))


def failure(client: Client, names: Names, url: str) -> str:
    with pytest.raises(EgressFailed) as failed:
        read(client, names, url)
    return failed.value.code


def test_the_certificate_of_the_name_is_good_at_the_pinned_address(
    authority: Authority, trusting: Client, names: Names
) -> None:
    names.stand_for(NAME, [PUBLIC])
    asked_for: list[str | None] = []
    context = authority.host(NAME)
    context.sni_callback = lambda _socket, name, _context: asked_for.append(name)
    with outside(tls=context) as host:
        host.gives("/", b"a photo")
        assert read(trusting, names, host.url("/", NAME)) == b"a photo"
        assert host.seen[0].headers["host"] == f"{NAME}:{host.port}"
    assert asked_for == [NAME]


def test_a_certificate_of_the_address_is_good_for_the_address(
    authority: Authority, trusting: Client, names: Names
) -> None:
    with outside(tls=authority.host(PUBLIC)) as host:
        host.gives("/", b"a photo")
        assert read(trusting, names, host.url("/")) == b"a photo"


@pytest.mark.parametrize("of", ["other.example", "example", PUBLIC])
def test_a_certificate_of_another_name_is_refused(
    authority: Authority, trusting: Client, names: Names, of: str
) -> None:
    names.stand_for(NAME, [PUBLIC])
    with outside(tls=authority.host(of)) as host:
        assert failure(trusting, names, host.url("/", NAME)) == "url_certificate_invalid"
        assert host.seen == []


def test_an_expired_certificate_is_refused(authority: Authority, trusting: Client, names: Names) -> None:
    with outside(tls=authority.host(PUBLIC, timedelta(days=-1))) as host:
        assert failure(trusting, names, host.url("/")) == "url_certificate_invalid"


def test_an_authority_that_nobody_knows_is_refused(
    authority: Authority, names: Names, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    with outside(tls=authority.host(PUBLIC)) as host:
        assert failure(Client(TIMEOUTS), names, host.url("/")) == "url_certificate_invalid"
        assert host.seen == []


def test_https_never_leads_to_plain_http(authority: Authority, trusting: Client, names: Names) -> None:
    with outside() as plain, outside(tls=authority.host(PUBLIC)) as host:
        plain.gives("/a", b"a photo")
        plain.leads("/up", host.url("/a"))
        host.gives("/a", b"a photo")
        host.leads("/down", plain.url("/a"))
        assert read(trusting, names, plain.url("/up")) == b"a photo"
        assert failure(trusting, names, host.url("/down")) == "url_not_allowed"
        assert [seen.path for seen in plain.seen] == ["/up"]


def test_plain_http_on_a_port_of_tls_is_unreachable(authority: Authority, trusting: Client, names: Names) -> None:
    with outside() as plain:
        assert failure(trusting, names, plain.url("/").replace("http:", "https:")) == "url_unreachable"
    with outside(tls=authority.host(PUBLIC)) as host:
        assert failure(trusting, names, host.url("/").replace("https:", "http:")) == "url_unreachable"

"""Self-signed certificates: made once, good for their names, and renewed before anybody is turned away."""

import ssl
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509

from cluster import clock
from cluster.storage import certificates

NAMES = {"localhost", "127.0.0.1", "::1", "m\xfcller.example"}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where a certificate is to be."""
    return tmp_path / "certificate.pem"


def test_it_is_for_its_names_and_its_owner_alone(file: Path) -> None:
    assert certificates.ensure_self_signed(file, NAMES)
    assert file.stat().st_mode & 0o777 == 0o600
    assert certificates.is_usable(file)
    made = x509.load_pem_x509_certificate(file.read_bytes())
    names = made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert set(names.get_values_for_type(x509.DNSName)) == {"localhost", "xn--mller-kva.example"}
    assert {str(each) for each in names.get_values_for_type(x509.IPAddress)} == {"127.0.0.1", "::1"}
    ssl.create_default_context(cafile=file)


def test_a_good_one_stays_and_any_other_is_replaced(file: Path) -> None:
    certificates.ensure_self_signed(file, NAMES)
    first = file.read_bytes()
    assert not certificates.ensure_self_signed(file, NAMES)
    assert certificates.ensure_self_signed(file, {"localhost"})
    second = file.read_bytes()
    file.write_bytes(second[:200])
    assert not certificates.is_usable(file)
    assert certificates.ensure_self_signed(file, {"localhost"})
    assert len({first, second, file.read_bytes()}) == 3


def test_it_is_renewed_before_it_ends(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    certificates.ensure_self_signed(file, NAMES)
    then = clock.now() + certificates.LIFE - certificates.RENEWAL
    monkeypatch.setattr(clock, "now", lambda: then - timedelta(days=1))
    assert not certificates.ensure_self_signed(file, NAMES)
    monkeypatch.setattr(clock, "now", lambda: then + timedelta(days=1))
    assert certificates.ensure_self_signed(file, NAMES)


@pytest.mark.parametrize(
    "content", [b"", b"nothing", b"-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n"]
)
def test_what_is_no_certificate_with_its_key_is_not_usable(file: Path, content: bytes) -> None:
    assert not certificates.is_usable(file)
    file.write_bytes(content)
    assert not certificates.is_usable(file)

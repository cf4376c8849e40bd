"""Self-signed certificates for TLS: made where there is none, and made anew before they expire.

A file holds the certificate and its key, as HAProxy wants it, and is its owner's alone. Nobody's browser trusts such a
certificate by itself: it keeps listeners out, and says nothing of who answers.
"""

import ssl
from collections.abc import Iterable
from datetime import datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from cluster import clock
from cluster.storage import files

__all__ = ["LIFE", "RENEWAL", "ensure_self_signed", "expiry", "is_usable"]

LIFE: Final = timedelta(days=365)
RENEWAL: Final = timedelta(days=30)
"""How long before its end a certificate is replaced."""


def ensure_self_signed(file: Path, names: Iterable[str]) -> bool:
    """Make a certificate for these host names and addresses unless the file holds one that is good for a while.

    Returns whether it was made.
    """
    wanted = frozenset(_general_name(name) for name in names)
    if _is_good(file, wanted):
        return False
    files.write_atomic(file, [_make(sorted(wanted, key=repr))])
    return True


def expiry(file: Path) -> datetime | None:
    """When the certificate in the file ends; None where there is none."""
    try:
        return x509.load_pem_x509_certificate(file.read_bytes()).not_valid_after_utc
    except (OSError, ValueError):
        return None


def is_usable(file: Path) -> bool:
    """Whether a server can use the file: a certificate, what signed it, and the key that belongs to it."""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(file)
    except OSError:  # an ssl.SSLError is one
        return False
    return True


def _is_good(file: Path, wanted: frozenset[x509.GeneralName]) -> bool:
    if not is_usable(file):
        return False
    certificate = x509.load_pem_x509_certificate(file.read_bytes())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return frozenset(names) == wanted and certificate.not_valid_after_utc - clock.now() > RENEWAL


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name.encode("idna").decode())


def _make(names: list[x509.GeneralName]) -> bytes:
    key, now = ec.generate_private_key(ec.SECP256R1()), clock.now()
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "ImageToVideos")])
    public = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    certificate = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + LIFE)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(public, critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(public), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return certificate.public_bytes(serialization.Encoding.PEM) + private

"""A service account of an emulated Google Cloud: its key file, and the tokens that its signed assertions buy."""

import secrets
from datetime import datetime, timedelta
from typing import Final

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from cluster import clock

__all__ = ["GRANT", "LIFETIME", "ServiceAccount"]

GRANT: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"
LIFETIME: Final = timedelta(hours=1)
_EMAIL: Final = "videos@test-project.iam.gserviceaccount.com"
_SCOPE: Final = "https://www.googleapis.com/auth/cloud-platform"


class ServiceAccount:
    """One account with a key pair of its own."""

    def __init__(self) -> None:
        """Make the key."""
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self._ends: dict[str, datetime] = {}

    def key_file(self, token_uri: str) -> dict[str, str]:
        """What Google gives out as the JSON file of a service account."""
        pem = self._key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        return {
            "type": "service_account",
            "project_id": "test-project",
            "private_key_id": "test-key-id",
            "private_key": pem,
            "client_email": _EMAIL,
            "token_uri": token_uri,
        }

    def token(self, assertion: str, token_uri: str) -> str | None:
        """A bearer token for an assertion; None: it is not this account's, not for here, or not for now."""
        options: jwt.types.Options = {"require": ["iat", "exp"], "verify_exp": False, "verify_iat": False}
        try:
            claims = jwt.decode(
                assertion, self._key.public_key(), ["RS256"], options, audience=token_uri, issuer=_EMAIL
            )
        except jwt.InvalidTokenError:
            return None
        now, lifetime = clock.unix(clock.now()), claims["exp"] - claims["iat"]
        if claims.get("scope") != _SCOPE or not claims["iat"] <= now < claims["exp"] or lifetime > 3600:
            return None
        token = secrets.token_urlsafe(32)
        self._ends[token] = clock.now() + LIFETIME
        return token

    def knows(self, token: str | None) -> bool:
        """Whether the token was given out, and is still good."""
        return token in self._ends and clock.now() < self._ends[token]

"""Stores for the tests of this folder; the servers come from the shared fixtures."""

import secrets
from pathlib import Path

import pytest

from cluster.storage.keys import KeyStore
from cluster.storage.local_objects import LocalObjects
from cluster.storage.objects import ObjectStore, S3Objects
from cluster.storage.openings import Opening
from tests.fixtures_storage import S3Server

ACCOUNT = "account_01k0000000000000000000000a"
OTHER = "account_01k0000000000000000000000b"


def opening(account_id: str = ACCOUNT) -> Opening:
    """Leave to open, as the access log would give it."""
    return Opening(account_id, "tests", "a test")


@pytest.fixture
def keys(tmp_path: Path) -> KeyStore:
    """A key store with keys for two accounts."""
    store = KeyStore(tmp_path / "keys")
    store.create(ACCOUNT)
    store.create(OTHER)
    return store


@pytest.fixture(params=["local", "s3"])
def objects(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStore:
    """An empty store of objects: a folder, and a bucket on a real server."""
    if request.param == "local":
        return LocalObjects(tmp_path / "objects")
    server: S3Server = request.getfixturevalue("s3_server")
    return S3Objects(server.bucket, f"tests/{secrets.token_hex(8)}", server.endpoint, "us-east-1")

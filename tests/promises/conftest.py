"""What promise tests need beyond the fixtures of every test."""

from collections.abc import Iterator

import pytest
from fastapi import FastAPI

from cluster import settings as cluster_settings
from cluster.settings import Settings


@pytest.fixture
def applications() -> list[FastAPI]:
    """A new application for each test: the routes of an old one hold what a mutant would replace."""
    return []


@pytest.fixture
def replica_settings(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """The test's settings where a replica looks for its own, in this process and in those that it starts."""
    monkeypatch.setenv("I2V_DATA_FOLDER", str(settings.data.folder))
    monkeypatch.setenv("I2V_DATABASE_URL", str(settings.database.url))
    cluster_settings.load.cache_clear()
    yield settings
    cluster_settings.load.cache_clear()

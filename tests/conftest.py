"""Fixtures for every test; each module of them says what it gives."""

pytest_plugins = [
    "pytester",
    "tests.fixtures_storage",
    "tests.fixtures_cluster",
    "tests.fixtures_serve",
    "tests.fixtures_recipients",
    "tests.fixtures_edge",
    "tests.promises.plugin",
    "tests.chaos.plugin",
]

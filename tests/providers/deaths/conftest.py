"""The installation that is killed in parts, which uses an emulated third party."""

from tests.chaos.conftest import arena, installed

__all__ = ["arena", "installed"]

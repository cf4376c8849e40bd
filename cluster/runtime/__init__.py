"""The running cluster: where it keeps things, what its processes see, and how its parts start, are watched and end."""

from cluster.runtime.connections import database_url, owner_url
from cluster.runtime.environment import environment
from cluster.runtime.layout import Paths, paths

__all__ = ["Paths", "database_url", "environment", "owner_url", "paths"]

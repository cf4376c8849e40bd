"""The running cluster: where it keeps things, what its processes see, and how its parts start, are watched and end."""

from cluster.runtime.connections import database_url, owner_url
from cluster.runtime.edge import edge_secret
from cluster.runtime.environment import environment
from cluster.runtime.layout import Paths, paths

__all__ = ["Paths", "database_url", "edge_secret", "environment", "owner_url", "paths"]

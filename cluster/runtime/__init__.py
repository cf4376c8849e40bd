"""The running cluster: where it keeps things, what its processes see, and how its parts start, are watched and end."""

from cluster.runtime.edge import edge_secret
from cluster.runtime.environment import environment
from cluster.runtime.layout import Paths, database_url, paths

__all__ = ["Paths", "database_url", "edge_secret", "environment", "paths"]

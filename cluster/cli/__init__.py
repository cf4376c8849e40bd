"""`i2v`: start, watch, use and end the cluster of this host."""

from cluster.cli.main import main

__all__ = ["main"]

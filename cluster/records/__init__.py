"""Durable records: one module for each kind, with its table and the only functions that touch it.

All are imported here, so that ``metadata`` knows every table whoever asks.
"""

from cluster.records import (
    accounts,
    api_keys,
    consents,
    credits,
    fetches,
    idempotency,
    jobs,
    leases,
    media,
    notices,
    webhook_deliveries,
    webhook_endpoints,
)
from cluster.storage.database import metadata

__all__ = [
    "accounts",
    "api_keys",
    "consents",
    "credits",
    "fetches",
    "idempotency",
    "jobs",
    "leases",
    "media",
    "metadata",
    "notices",
    "webhook_deliveries",
    "webhook_endpoints",
]

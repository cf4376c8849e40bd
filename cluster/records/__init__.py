"""Durable records: one module for each kind, with its table and the only functions that touch it.

All are imported here, so that ``metadata`` knows every table whoever asks.
"""

from cluster.records import (
    access_log,
    accounts,
    api_keys,
    audit,
    consents,
    credits,
    disclosures,
    fetches,
    idempotency,
    jobs,
    leases,
    media,
    notices,
    paces,
    sessions,
    sign_ups,
    sweeps,
    throttles,
    usage_events,
    webhook_deliveries,
    webhook_endpoints,
    workers,
)
from cluster.storage.database import metadata

__all__ = [
    "access_log",
    "accounts",
    "api_keys",
    "audit",
    "consents",
    "credits",
    "disclosures",
    "fetches",
    "idempotency",
    "jobs",
    "leases",
    "media",
    "metadata",
    "notices",
    "paces",
    "sessions",
    "sign_ups",
    "sweeps",
    "throttles",
    "usage_events",
    "webhook_deliveries",
    "webhook_endpoints",
    "workers",
]

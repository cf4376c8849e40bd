"""Durable records: one module for each kind, with its table and the only functions that touch it.

All are imported here, so that ``metadata`` knows every table whoever asks.
"""

from cluster.records import (
    access_log,
    accounts,
    allowances,
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
    open_streams,
    sessions,
    sign_ups,
    throttles,
    usage_events,
    webhook_deliveries,
    webhook_endpoints,
)
from cluster.storage.database import metadata

__all__ = [
    "access_log",
    "accounts",
    "allowances",
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
    "open_streams",
    "sessions",
    "sign_ups",
    "throttles",
    "usage_events",
    "webhook_deliveries",
    "webhook_endpoints",
]

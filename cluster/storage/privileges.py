"""What each PostgreSQL role may do, as data: whatever is not written here, only the owner may. Pure.

A table is one entry of `TABLES`: its name, and what each role may do with it. `grants` makes a database agree with this
after every migration, so a table that is forgotten here can be used by nobody.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

__all__ = ["LEDGERS", "SCHEMA", "TABLES", "DatabaseRole", "Grant", "declared", "on_columns"]


class DatabaseRole(StrEnum):
    """Who connects. The owner of the database, who migrates it, is none of these."""

    APP = "i2v_app"
    """Ingress, director and stages."""
    OUTBOUND = "i2v_outbound"
    """The only deployment that opens connections to the outside."""
    PIPELINE = "i2v_pipeline"
    """Jobs that keep the retention rules."""
    MONITOR = "i2v_monitor"
    """The operators' port: counts and ages, and no column that could name anybody."""


@dataclass(frozen=True, slots=True, order=True)
class Grant:
    """One privilege on one object, named as SQL names it. ``column``: on that column alone."""

    grantee: str
    kind: str
    name: str
    privilege: str
    column: str = ""
    grantable: bool = False


Privileges = frozenset[str]

SCHEMA: Final = "public"
LEDGERS: Final = frozenset({"audit", "consents", "credit_transfers", "disclosure_outcomes", "disclosures"})
"""Tables that nobody but the owner may change or empty; a trigger refuses even the owner."""

_APP, _OUTBOUND, _PIPELINE, _MONITOR = DatabaseRole
READ: Final = frozenset({"SELECT"})
APPEND: Final = READ | {"INSERT"}
CHANGE: Final = APPEND | {"UPDATE"}
EVERYTHING: Final = CHANGE | {"DELETE"}


def on_columns(privilege: str, *columns: str) -> Privileges:
    """A privilege on some columns of a table."""
    return frozenset(f"{privilege}({column})" for column in columns)


_ALIVE: Final = on_columns("SELECT", "id", "epoch", "closed_at", "frozen_at", "expires_at")
_DISCLOSING: Final = _ALIVE | on_columns("SELECT", "known_minor") | on_columns("UPDATE", "disclosed_at")
_WORDS: Final = ("prompt_sealed", "negative_prompt_sealed")
_HANDED_OVER: Final = on_columns(
    "SELECT", "id", "account_id", "epoch", "state", "fence", "parameters", "expires_at", "deleted_at", *_WORDS
)
_ANSWERS: Final = on_columns("SELECT", "sequence", "account_id", "purpose", "granted", "notice_version")
_FIGURES: Final = on_columns("SELECT", "state", "model", "error_code", "created_at", "completed_at")
_ENDING: Final = on_columns("SELECT", "id", "state", "fence", "expires_at", "erased_at") | on_columns(
    "UPDATE", "erased_at", *_WORDS
)
_EXPIRING: Final = on_columns("SELECT", "expires_at") | {"DELETE"}
_AGEING: Final = on_columns("SELECT", "created_at") | {"DELETE"}

TABLES: Final[Mapping[str, Mapping[DatabaseRole, Privileges]]] = {
    "access_log": {_APP: APPEND, _OUTBOUND: frozenset({"INSERT"})},
    "accounts": {_APP: CHANGE, _OUTBOUND: _DISCLOSING, _PIPELINE: _ALIVE},
    "alembic_version": {},
    "allowances": {_APP: EVERYTHING, _PIPELINE: on_columns("SELECT", "full_at") | {"DELETE"}},
    "api_keys": {_APP: CHANGE},
    "audit": {_APP: APPEND},
    "breakers": {_APP: READ, _OUTBOUND: READ | {"INSERT", "UPDATE"}},
    "consents": {_APP: APPEND, _OUTBOUND: _ANSWERS},
    "credit_balances": {_APP: CHANGE},
    "credit_transfers": {_APP: APPEND},
    "disclosure_outcomes": {_APP: READ, _OUTBOUND: APPEND},
    "disclosures": {_APP: READ, _OUTBOUND: APPEND},
    "fetches": {_APP: EVERYTHING, _OUTBOUND: READ | {"UPDATE", "DELETE"}, _PIPELINE: _EXPIRING},
    "idempotency_keys": {_APP: EVERYTHING, _PIPELINE: _EXPIRING},
    "jobs": {_APP: CHANGE, _OUTBOUND: _HANDED_OVER, _PIPELINE: _ENDING, _MONITOR: _FIGURES},
    "leases": {_APP: EVERYTHING, _MONITOR: on_columns("SELECT", "heartbeat_at")},
    "media": {_APP: EVERYTHING, _OUTBOUND: CHANGE, _PIPELINE: READ | {"UPDATE", "DELETE"}},
    "notices": {_APP: APPEND},
    "open_streams": {_APP: EVERYTHING, _PIPELINE: _EXPIRING},
    "paces": {_APP: CHANGE},
    "sessions": {_APP: CHANGE},
    "sign_up_addresses": {_APP: CHANGE},
    "submissions": {_APP: CHANGE, _OUTBOUND: READ | {"UPDATE"}, _PIPELINE: _EXPIRING | on_columns("SELECT", "due_at")},
    "suspensions": {_APP: READ | {"INSERT", "DELETE"}, _OUTBOUND: READ},
    "sweeps": {_PIPELINE: CHANGE, _MONITOR: READ},
    "throttles": {_APP: EVERYTHING, _PIPELINE: _EXPIRING},
    "usage_events": {_APP: APPEND},
    "video_batch_items": {_APP: CHANGE},
    "video_batches": {_APP: EVERYTHING, _PIPELINE: on_columns("SELECT", "completed_at") | {"DELETE"}},
    "webhook_deliveries": {_APP: CHANGE, _OUTBOUND: EVERYTHING, _PIPELINE: _AGEING},
    "webhook_endpoints": {_APP: EVERYTHING, _OUTBOUND: READ | {"UPDATE", "DELETE"}},
    "workers": {_APP: EVERYTHING},
}


def declared(database: str, tables: Collection[str]) -> frozenset[Grant]:
    """Every privilege that the roles shall have in a database with these tables; everybody else has none."""
    entries = {name: roles for name, roles in TABLES.items() if name in tables}
    return frozenset(
        {Grant(role, "DATABASE", database, "CONNECT") for role in DatabaseRole}
        | {Grant(role, "SCHEMA", SCHEMA, "USAGE") for role in DatabaseRole}
        | {
            _on_table(role, f"{SCHEMA}.{name}", privilege)
            for name, roles in entries.items()
            for role, privileges in roles.items()
            for privilege in privileges
        }
    )


def _on_table(role: DatabaseRole, table: str, privilege: str) -> Grant:
    word, _, column = privilege.removesuffix(")").partition("(")
    return Grant(role, "TABLE", table, word, column)

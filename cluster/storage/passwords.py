"""Passwords: never stored, not even as a hash of their own.

An e-mail and a password are turned into one value by which the account is found: Argon2id (RFC 9106) of the password,
salted with a keyed hash of the e-mail, then a keyed hash of the result. So a login costs the same whether or not
anybody has that e-mail, several people may have given the same e-mail without learning of each other, and a stolen
database can be tried against no password without the key store.
"""

import unicodedata

from argon2.low_level import Type, hash_secret_raw

from cluster.settings import Accounts
from cluster.storage.keys import KeyStore

__all__ = ["login_lookup"]

_SALT_BYTES = 16
_HASH_BYTES = 32


def login_lookup(keys: KeyStore, email: str, password: str, cost: Accounts) -> bytes:
    """What the account of this e-mail and password is found by. Takes tens of milliseconds of one core, by design."""
    salt = keys.lookup("accounts.login_salt", email.casefold())[:_SALT_BYTES]
    raw = hash_secret_raw(
        unicodedata.normalize("NFKC", password).encode(),
        salt,
        time_cost=cost.password_passes,
        memory_cost=cost.password_memory_kib,
        parallelism=1,
        hash_len=_HASH_BYTES,
        type=Type.ID,
    )
    return keys.lookup("accounts.login", raw)

"""Accesses are not written down, sign-ups are not remembered, and nobody comes in without an account or a cookie."""

from collections.abc import Callable, Collection, Sequence
from typing import Any

from sqlalchemy import Connection

from cluster.errors import Forbidden, InvalidCredentials
from cluster.privacy.terms import Terms
from cluster.records.access_log import Access
from cluster.records.accounts import Account, Details
from cluster.storage.keys import KeyStore
from cluster.storage.openings import Opening
from tests.promises.harness.mutation import mutant


@mutant("P8", enforcement="cluster.records.access_log:by_owners")
def owners_come_in_unrecorded(_: object) -> Callable[..., list[Opening]]:
    def by_owners(_: Connection, keys: KeyStore, accesses: Sequence[Access]) -> list[Opening]:
        return [Opening(access.principal.account_id, "ingress", access.action) for access in accesses]

    return by_owners


@mutant("P36", enforcement="cluster.records.access_log:by_service")
def services_open_unrecorded(_: object) -> Callable[..., Opening]:
    def by_service(_: Connection, account_id: str, **named: Any) -> Opening:
        return Opening(account_id, **named)

    return by_service


@mutant("P10", enforcement="cluster.records.sign_ups:record")
def sign_ups_leave_no_address(_: object) -> Callable[..., None]:
    return lambda connection, keys, account_id, address: None


@mutant("P10", enforcement="cluster.records.sign_ups:count_today")
def nobody_looks_for_spam(_: object) -> Callable[..., int]:
    return lambda connection, keys, address: 0


@mutant("P10", enforcement="cluster.records.sign_ups:detach")
def an_id_leads_back_from_the_address(_: object) -> Callable[..., None]:
    return lambda connection, account_id: None


@mutant("P115", enforcement="serve.ingress.sign_up:open_account")
def guests_are_turned_away(original: Callable[..., Account]) -> Callable[..., Account]:
    def open_account(*arguments: Any, expires_at: Any = None, **named: Any) -> Account:
        if expires_at is not None:
            raise Forbidden
        return original(*arguments, **named)

    return open_account


@mutant("P117", "P118", "P125", enforcement="serve.ingress.sign_up:open_account")
def details_are_required(original: Callable[..., Account]) -> Callable[..., Account]:
    def open_account(
        connection: Connection, services: Any, address: str, details: Details, *arguments: Any, **named: Any
    ) -> Account:
        if details.email is None:
            raise Forbidden
        return original(connection, services, address, details, *arguments, **named)

    return open_account


@mutant("P17", enforcement="cluster.records.sessions:authenticate")
def sessions_want_a_cookie(_: object) -> Callable[..., dict[bytes, Any]]:
    def authenticate(_: Connection, lookups: Collection[bytes]) -> dict[bytes, Any]:
        raise InvalidCredentials

    return authenticate


@mutant("P146", enforcement="serve.ingress.services:published_terms")
def nobody_is_told_of_scanning(original: Callable[[], dict[str, Terms]]) -> Callable[[], dict[str, Terms]]:
    def published_terms() -> dict[str, Terms]:
        return {audience: Terms(told.version, "Welcome.") for audience, told in original().items()}

    return published_terms


@mutant("P146", enforcement="cluster.privacy.terms:read")
def any_text_is_published(original: Callable[[str], Terms]) -> Callable[[str], Terms]:
    def read(source: str) -> Terms:
        try:
            return original(source)
        except ValueError:
            return Terms("0", source)

    return read

"""What names a person or what a person wrote is in no column in clear."""

import hashlib
import json
from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, LargeBinary, select, text

from cluster.records import accounts, api_keys, jobs, metadata, subjects
from cluster.records.accounts import Details
from cluster.storage.errors import SealBroken
from tests.world import World

NAME, EMAIL, COMPANY, PROMPT = "Zephyrina Quux", "Zephyrina@Quux.example", "Quux & Sons", "a heron over Lake Quuxwater"
KEY_NAME, SUBJECT = "Zephyrina's laptop", "user-zephyrina"
CANARIES = (NAME, EMAIL, EMAIL.casefold(), COMPANY, PROMPT, KEY_NAME, SUBJECT)


def filled(world: World) -> tuple[str, str]:
    """An account with all its details and a job with a prompt; its key."""

    def fill(connection: Connection) -> tuple[str, str]:
        account = accounts.create(connection, world.keys, Details(NAME, EMAIL, COMPANY), terms_version="terms")
        return account.id, api_keys.create(connection, world.keys, account.id, name=KEY_NAME)[1]

    account_id, token = world.run(fill)
    world.sql("INSERT INTO credit_balances VALUES (:account, 100, 0)", account=account_id)
    world.job(account_id, prompt=PROMPT, subject_lookup=subjects.lookup(world.keys, account_id, SUBJECT))
    return account_id, token


def cells(connection: Connection) -> Iterator[tuple[str, bytes]]:
    """Every value of every column of every table, as bytes."""
    for table in metadata.sorted_tables:
        for row in connection.execute(select(table)).mappings():
            for column, value in row.items():
                plain = value if isinstance(value, bytes) else json.dumps(value, default=str).encode()
                yield f"{table.name}.{column}", plain


def found(connection: Connection, *canaries: str) -> set[str]:
    wanted = [canary.encode() for canary in canaries]
    return {place for place, value in cells(connection) if any(canary in value for canary in wanted)}


@pytest.mark.parametrize("place", ["accounts.terms_version", "accounts.company_sealed", "jobs.facts", "jobs.purposes"])
def test_the_scan_finds_what_is_planted(world: World, place: str) -> None:
    filled(world)
    table, column = place.split(".")
    planted = {
        "accounts.terms_version": f"'{EMAIL}'",
        "accounts.company_sealed": f"convert_to('{EMAIL}', 'UTF8')",
        "jobs.facts": f"jsonb_build_object('who', '{EMAIL}')",
        "jobs.purposes": f"ARRAY['{EMAIL}']",
    }[place]
    with world.database.transaction() as connection:
        connection.execute(text(f"UPDATE {table} SET {column} = {planted}"))
        assert found(connection, *CANARIES) == {place}


def test_no_column_shows_a_name_an_address_a_prompt_or_a_key(world: World) -> None:
    _, token = filled(world)
    with world.database.transaction() as connection:
        assert len(list(cells(connection))) > 40
        assert found(connection, *CANARIES, token) == set()


def test_no_digest_can_be_computed_without_our_key(world: World) -> None:
    _, token = filled(world)
    (row,) = world.sql("SELECT email_lookup, token_lookup FROM accounts JOIN api_keys ON account_id = accounts.id")
    for value in (EMAIL, EMAIL.casefold(), token):
        for algorithm in ("md5", "sha1", "sha256"):
            digest = hashlib.new(algorithm, value.encode()).digest()
            assert digest not in (row.email_lookup, row.token_lookup)


def test_every_binary_column_is_sealed_or_a_keyed_lookup() -> None:
    binary = [
        column for table in metadata.sorted_tables for column in table.columns if isinstance(column.type, LargeBinary)
    ]
    assert len(binary) >= 8
    assert [str(column) for column in binary if not column.name.endswith(("_sealed", "_lookup"))] == []


def test_a_prompt_opens_only_for_its_own_job(world: World) -> None:
    account, _ = filled(world)
    other = world.job(account, prompt="something else")
    job = world.read(world.job(account, prompt=PROMPT))
    assert jobs.prompt_of(world.keys, world.opening(account), job) == PROMPT
    world.sql("UPDATE jobs SET prompt_sealed = :sealed WHERE id = :other", sealed=job.prompt_sealed, other=other)
    with pytest.raises(SealBroken):
        jobs.prompt_of(world.keys, world.opening(account), world.read(other))

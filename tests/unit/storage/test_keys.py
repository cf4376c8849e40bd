"""The key store: context and account bound, destroyed everywhere within a second, rotated, safe between processes."""

import shutil
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cluster.storage.erasure import Absent, Erased, Failed
from cluster.storage.errors import KeyMissing, KeyStoreUnavailable, SealBroken
from cluster.storage.keys import BUCKETS, KeyStore
from tests.unit.storage.conftest import ACCOUNT, OTHER, opening


def test_seals_open_only_for_their_account_and_context(keys: KeyStore) -> None:
    sealed = keys.seal_text(ACCOUNT, "Zoë's prompt", "jobs.prompt|job_1")
    assert b"prompt" not in sealed
    assert keys.open_text(opening(), sealed, "jobs.prompt|job_1") == "Zoë's prompt"
    altered = sealed[:-1] + bytes([sealed[-1] ^ 1])
    for account, content, context in [
        (OTHER, sealed, "jobs.prompt|job_1"),
        (ACCOUNT, sealed, "jobs.prompt|job_2"),
        (ACCOUNT, altered, "jobs.prompt|job_1"),
        (ACCOUNT, b"", "jobs.prompt|job_1"),
    ]:
        with pytest.raises(SealBroken):
            keys.open(opening(account), content, context)


def test_the_same_text_seals_differently_each_time(keys: KeyStore) -> None:
    assert keys.seal(ACCOUNT, b"x", "c") != keys.seal(ACCOUNT, b"x", "c")


def test_data_keys_unwrap_only_for_their_account_and_context(keys: KeyStore) -> None:
    aead, wrapped = keys.data_key(ACCOUNT, "object|media_1")
    sealed = aead.encrypt(b"pixels", b"0")
    assert keys.unwrap(opening(), wrapped, "object|media_1").decrypt(sealed, b"0") == b"pixels"
    for account, context in [(OTHER, "object|media_1"), (ACCOUNT, "object|media_2")]:
        with pytest.raises(SealBroken):
            keys.unwrap(opening(account), wrapped, context)


def test_a_second_opening_of_the_folder_has_the_same_keys(keys: KeyStore, tmp_path: Path) -> None:
    sealed = keys.seal(ACCOUNT, b"x", "c")
    again = KeyStore(tmp_path / "keys")
    again.create(ACCOUNT)
    assert again.open(opening(), sealed, "c") == b"x"
    assert again.lookup("email", "a@b") == keys.lookup("email", "a@b")
    assert sorted(again.accounts()) == [ACCOUNT, OTHER]


def test_everything_in_the_folder_is_private(keys: KeyStore, tmp_path: Path) -> None:
    for path in [tmp_path / "keys", *(tmp_path / "keys").rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path


def test_destroying(keys: KeyStore) -> None:
    sealed = keys.seal(ACCOUNT, b"x", "c")
    assert keys.exists(ACCOUNT)
    assert keys.destroy(ACCOUNT) == Erased()
    assert keys.destroy(ACCOUNT) == Absent()
    assert not keys.exists(ACCOUNT)
    with pytest.raises(KeyMissing):
        keys.open(opening(), sealed, "c")
    keys.create(ACCOUNT)
    with pytest.raises(SealBroken):
        keys.open(opening(), sealed, "c")
    assert keys.open(opening(OTHER), keys.seal(OTHER, b"x", "c"), "c") == b"x"


READER = """
import sys, time, pathlib
from cluster.storage.errors import KeyMissing
from cluster.storage.keys import KeyStore
from cluster.storage.openings import Opening
keys = KeyStore(pathlib.Path(sys.argv[1]))
sealed = bytes.fromhex(sys.argv[3])
assert keys.open(Opening(sys.argv[2], "reader", "a test"), sealed, "c") == b"x"
print("reading", flush=True)
try:
    while True:
        keys.open(Opening(sys.argv[2], "reader", "a test"), sealed, "c")
        last = time.monotonic()
        time.sleep(0.005)
except KeyMissing:
    print(last, flush=True)
"""


def test_a_key_destroyed_here_is_unreadable_in_another_process_within_a_second(keys: KeyStore, tmp_path: Path) -> None:
    sealed = keys.seal(ACCOUNT, b"x", "c").hex()
    arguments = [sys.executable, "-c", READER, str(tmp_path / "keys"), ACCOUNT, sealed]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as reader:
        assert reader.stdout is not None
        assert reader.stdout.readline() == "reading\n"
        time.sleep(0.3)
        keys.destroy(ACCOUNT)
        destroyed = time.monotonic()
        last_opened = float(reader.stdout.readline())
    assert last_opened - destroyed < 1.0


def test_a_cached_key_is_what_the_other_process_would_have_used(keys: KeyStore, tmp_path: Path) -> None:
    """The control of the test above: within the time to remember, the file is not asked for."""
    sealed = keys.seal(ACCOUNT, b"x", "c")
    KeyStore(tmp_path / "keys").destroy(ACCOUNT)
    assert keys.open(opening(), sealed, "c") == b"x"


START = """
import sys, pathlib
from cluster.storage.keys import KeyStore
from cluster.storage.openings import Opening
keys = KeyStore(pathlib.Path(sys.argv[1]))
keys.create(sys.argv[2])
print(keys.lookup("p", "v").hex(), keys.seal(sys.argv[2], b"x", "c").hex())
"""


def test_many_processes_may_start_at_once(tmp_path: Path) -> None:
    arguments = [sys.executable, "-c", START, str(tmp_path / "keys"), ACCOUNT]
    started = [subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) for _ in range(6)]
    answers = [process.communicate()[0].split() for process in started]
    assert all(process.returncode == 0 for process in started)
    assert len({lookup for lookup, _ in answers}) == 1
    keys = KeyStore(tmp_path / "keys")
    assert {keys.open(opening(), bytes.fromhex(sealed), "c") for _, sealed in answers} == {b"x"}


def rotate_all(keys: KeyStore) -> int:
    return sum(keys.rotate_bucket(number) for number in range(BUCKETS))


def test_rotation_keeps_what_lives(keys: KeyStore) -> None:
    sealed = {account: keys.seal(account, b"x", "c") for account in (ACCOUNT, OTHER)}
    assert rotate_all(keys) == 2
    for store in (keys, KeyStore(keys._folder.root.parent)):
        assert all(store.open(opening(account), content, "c") == b"x" for account, content in sealed.items())


def test_an_old_copy_of_an_entry_is_useless_after_rotation(keys: KeyStore, tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    sealed = keys.seal(ACCOUNT, b"x", "c")
    entry = keys._folder.entry(ACCOUNT)
    copy = entry.read_bytes()
    keys.destroy(ACCOUNT)

    entry.write_bytes(copy)
    assert KeyStore(folder).open(opening(), sealed, "c") == b"x", "before rotation the copy opens: the control"

    entry.unlink()
    rotate_all(keys)
    entry.write_bytes(copy)
    with pytest.raises(KeyStoreUnavailable):
        KeyStore(folder).open(opening(), sealed, "c")


def test_an_old_copy_of_the_folder_is_useless_without_its_bucket_keys(keys: KeyStore, tmp_path: Path) -> None:
    """What a backup is allowed to hold: entries, but bucket keys only as they are now."""
    sealed = keys.seal(ACCOUNT, b"x", "c")
    shutil.copytree(tmp_path / "keys", tmp_path / "copy")
    assert KeyStore(tmp_path / "copy").open(opening(), sealed, "c") == b"x"
    keys.destroy(ACCOUNT)
    rotate_all(keys)
    for now in (tmp_path / "keys" / "buckets").glob("*/.key"):
        shutil.copy(now, tmp_path / "copy" / "buckets" / now.parent.name / ".key")
    with pytest.raises(KeyStoreUnavailable):
        KeyStore(tmp_path / "copy").open(opening(), sealed, "c")


def test_readers_do_not_notice_a_rotation(keys: KeyStore, tmp_path: Path) -> None:
    sealed = keys.seal(ACCOUNT, b"x", "c")
    number = int(keys._folder.entry(ACCOUNT).parent.name, 16)
    done = threading.Event()
    failures: list[Exception] = []

    def read() -> None:
        while not done.is_set():
            try:
                KeyStore(tmp_path / "keys").open(opening(), sealed, "c")
            except Exception as error:
                failures.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    for _ in range(20):
        keys.rotate_bucket(number)
    done.set()
    reader.join()
    assert failures == []


def test_a_killed_rotation_is_finished_by_the_next(keys: KeyStore, tmp_path: Path) -> None:
    sealed = keys.seal(ACCOUNT, b"x", "c")
    entry = keys._folder.entry(ACCOUNT)
    old = (entry.parent / ".key").read_bytes()
    keys._new_bucket_key(entry.parent / ".next")
    halfway = KeyStore(tmp_path / "keys")
    assert halfway.open(opening(), sealed, "c") == b"x"
    halfway.rotate_bucket(int(entry.parent.name, 16))
    assert KeyStore(tmp_path / "keys").open(opening(), sealed, "c") == b"x"
    assert not (entry.parent / ".next").exists()
    assert (entry.parent / ".key").read_bytes() != old


def test_a_store_that_is_gone_is_not_an_empty_one(keys: KeyStore, tmp_path: Path) -> None:
    (tmp_path / "keys").rename(tmp_path / "away")
    assert keys.destroy(ACCOUNT) == Failed("key_store_unavailable")
    for ask in (keys.exists, keys.create, lambda account: keys.open(opening(account), b"", "c")):
        with pytest.raises(KeyStoreUnavailable):
            ask(ACCOUNT)


@pytest.mark.parametrize("lost", ["root.keyset", "lookup.keyset"])
def test_a_lost_key_is_never_replaced_by_a_fresh_one(keys: KeyStore, tmp_path: Path, lost: str) -> None:
    (tmp_path / "keys" / lost).unlink()
    with pytest.raises(KeyStoreUnavailable):
        KeyStore(tmp_path / "keys")
    assert not (tmp_path / "keys" / lost).exists()


def test_a_lost_bucket_key_is_never_replaced_by_a_fresh_one(keys: KeyStore) -> None:
    bucket = keys._folder.entry(ACCOUNT).parent
    (bucket / ".key").unlink()
    entry = keys._folder.entry(ACCOUNT).read_bytes()
    neighbour = next(
        name for name in (f"account_{n}" for n in range(10_000)) if keys._folder.entry(name).parent == bucket
    )
    with pytest.raises(KeyStoreUnavailable):
        keys.create(neighbour)
    assert keys._folder.entry(ACCOUNT).read_bytes() == entry


@given(st.text(max_size=50), st.text(max_size=50))
@settings(max_examples=50, deadline=None)
def test_lookups_are_equal_for_equal_values_only(shared: KeyStore, one: str, other: str) -> None:
    assert len(shared.lookup("email", one)) == 32
    assert (shared.lookup("email", one) == shared.lookup("email", other)) == (one == other)
    assert shared.lookup("email", one) != shared.lookup("api_key", one)


def test_lookups_of_another_store_are_unrelated(keys: KeyStore, shared: KeyStore) -> None:
    assert keys.lookup("email", "a@b") != shared.lookup("email", "a@b")


@pytest.mark.parametrize("account", ["", "../x", "account_", "account_../x", "account_A", ".key", "account_1/2"])
def test_other_ids_are_refused(keys: KeyStore, account: str) -> None:
    with pytest.raises(ValueError, match="account"):
        keys.create(account)


@pytest.mark.parametrize("purpose", ["", "a|b", "Ä"])
def test_other_purposes_are_refused(keys: KeyStore, purpose: str) -> None:
    with pytest.raises(ValueError, match="purpose"):
        keys.lookup(purpose, "x")


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> KeyStore:
    """One store for a whole property test."""
    return KeyStore(tmp_path_factory.mktemp("keys"))

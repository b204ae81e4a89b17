"""The contract of the API key store and of the audit log."""

import asyncio
from datetime import timedelta

import pytest

from adapters.registry.stores import Stores
from domain.audit import StoredAuditEvent
from domain.callers import Scope
from domain.errors import KeyNotFound, NameTaken
from domain.rates import Rate
from ports.driven.api_key_store import ApiKeyQuery, ApiKeyStore
from ports.driven.audit_log import AuditLog, AuditQuery
from tests.support.key_records import CREATED_AT, new_api_key, new_entry

LATER = CREATED_AT + timedelta(hours=1)

STRANGE = ["'", "%", "\0", "\ud800", "db_\0", "x" * 10_000, "😀"]


@pytest.fixture
def key_store(stores: Stores) -> ApiKeyStore:
    return stores.keys


async def test_a_key_is_stored_as_given(key_store: ApiKeyStore) -> None:
    key = new_api_key(
        name="web@app.example",
        scopes=frozenset(Scope),
        quota=3,
        rate=Rate(10, 60),
        origins=frozenset({"https://app.example", "http://localhost:5173"}),
        expires_at=LATER,
        revoked_at=LATER,
    )

    assert await key_store.list_all() == []

    await key_store.add(key)

    assert await key_store.find(key.id) == key
    assert await key_store.list_all() == [key]


async def test_missing_values_of_a_key_stay_missing(key_store: ApiKeyStore) -> None:
    for key in (new_api_key(quota=0), new_api_key(quota=None)):
        await key_store.add(key)

        assert await key_store.find(key.id) == key


async def test_an_id_belongs_to_one_key(key_store: ApiKeyStore) -> None:
    key = new_api_key()
    await key_store.add(key)

    with pytest.raises(NameTaken):
        await key_store.add(new_api_key(id=key.id))

    assert await key_store.list_all() == [key]


async def test_of_concurrent_keys_with_one_id_one_is_stored(key_store: ApiKeyStore) -> None:
    racing = [new_api_key(id="pgv_00000000") for _ in range(5)]

    outcomes = await asyncio.gather(*map(key_store.add, racing), return_exceptions=True)

    assert sum(isinstance(outcome, NameTaken) for outcome in outcomes) == 4
    assert len(await key_store.list_all()) == 1


async def test_keys_are_listed_newest_first(key_store: ApiKeyStore) -> None:
    old, new, newest = (
        new_api_key(name="web", created_at=CREATED_AT + timedelta(seconds=s)) for s in range(3)
    )
    for key in (new, newest, old):
        await key_store.add(key)

    assert await key_store.list_all() == [newest, new, old]


async def test_pages_of_keys_follow_each_other_although_some_are_equally_old(
    key_store: ApiKeyStore,
) -> None:
    for seconds in (0, 1, 1, 1, 2):
        await key_store.add(new_api_key(created_at=CREATED_AT + timedelta(seconds=seconds)))
    keys = await key_store.list_all()

    assert await key_store.search(ApiKeyQuery()) == keys
    assert await key_store.search(ApiKeyQuery(limit=2)) == keys[:2]
    for number, key in enumerate(keys, start=1):
        assert await key_store.search(ApiKeyQuery(before=key, limit=2)) == keys[number : number + 2]


async def test_an_unknown_key_is_not_found_and_cannot_be_revoked(key_store: ApiKeyStore) -> None:
    key = new_api_key()
    await key_store.add(key)

    for key_id in ["", "pgv_00000000", "pgv_\0\0\0\0", *STRANGE]:
        assert await key_store.find(key_id) is None
        with pytest.raises(KeyNotFound):
            await key_store.revoke(key_id, LATER)

    assert await key_store.list_all() == [key]


async def test_the_first_revocation_of_a_key_counts(key_store: ApiKeyStore) -> None:
    key, other = new_api_key(name="web"), new_api_key(name="web")
    await key_store.add(key)
    await key_store.add(other)

    for moment in (LATER, LATER + timedelta(days=1)):
        assert await key_store.revoke(key.id, moment) == key.revoke(LATER)
        assert await key_store.find(key.id) == key.revoke(LATER)
    assert await key_store.find(other.id) == other


async def test_concurrent_revocations_agree_on_one_moment(key_store: ApiKeyStore) -> None:
    key = new_api_key()
    await key_store.add(key)
    moments = [LATER + timedelta(seconds=second) for second in range(5)]

    revoke = await asyncio.gather(*(key_store.revoke(key.id, moment) for moment in moments))

    assert len({one.revoked_at for one in revoke}) == 1
    assert revoke[0].revoked_at in moments


@pytest.fixture
def audit_log(stores: Stores) -> AuditLog:
    return stores.audit


async def add_three(audit_log: AuditLog) -> list[StoredAuditEvent]:
    """Append entries out of their order. Return them newest first."""
    entries = [
        new_entry(CREATED_AT + timedelta(seconds=second), caller=caller, subject=subject)
        for second, (caller, subject) in enumerate([("ann", "db_1"), ("bob", "db_2"), ("ann", "")])
    ]
    for index in (1, 2, 0):
        await audit_log.append(entries[index])
    return entries[::-1]


async def test_an_audit_entry_is_stored_as_given(audit_log: AuditLog) -> None:
    entry = new_entry(
        caller="ann@app.example",
        key="pgv_00000000",
        action="rotatePassword",
        subject="db_1",
        address="2001:db8::1",
        request_id="a.b_c-1",
        outcome="quota_reached",
    )

    assert await audit_log.read(AuditQuery()) == []

    await audit_log.append(entry)

    assert await audit_log.read(AuditQuery()) == [entry]


async def test_audit_entries_are_listed_newest_first_in_pages(audit_log: AuditLog) -> None:
    entries = await add_three(audit_log)

    assert await audit_log.read(AuditQuery()) == entries
    assert await audit_log.read(AuditQuery(limit=2)) == entries[:2]
    assert await audit_log.read(AuditQuery(before=entries[0].id, limit=1)) == entries[1:2]
    assert await audit_log.read(AuditQuery(before=entries[2].id)) == []


async def test_only_matching_audit_entries_are_listed(audit_log: AuditLog) -> None:
    entries = await add_three(audit_log)

    for query, places in {
        AuditQuery(caller="ann"): (0, 2),
        AuditQuery(subject="db_2"): (1,),
        AuditQuery(subject=""): (0,),
        AuditQuery(caller="ann", subject="db_1"): (2,),
        AuditQuery(caller="bob", subject="db_1"): (),
        AuditQuery(caller="ANN"): (),
        AuditQuery(caller=""): (),
        **{AuditQuery(caller=text): () for text in STRANGE},
        **{AuditQuery(subject=text): () for text in STRANGE},
    }.items():
        assert await audit_log.read(query) == [entries[place] for place in places], query


async def test_concurrent_audit_entries_are_all_stored(audit_log: AuditLog) -> None:
    entries = [new_entry() for _ in range(30)]

    await asyncio.gather(*map(audit_log.append, entries))

    assert {entry.id for entry in await audit_log.read(AuditQuery())} == {e.id for e in entries}

"""The contract of the API key store and of the audit log."""

import asyncio
from datetime import timedelta

import pytest

from adapters.registry.stores import Opened
from domain.audit import AuditEntry
from domain.callers import Scope
from domain.errors import KeyNotFound, NameTaken
from domain.rates import Rate
from ports.driven.api_key_store import KeyQuery, KeyRing
from ports.driven.audit_log import AuditQuery, AuditTrail
from tests.support.key_records import MADE, new_api_key, new_entry

LATER = MADE + timedelta(hours=1)

STRANGE = ["'", "%", "\0", "\ud800", "db_\0", "x" * 10_000, "😀"]


@pytest.fixture
def ring(opened: Opened) -> KeyRing:
    return opened.keys


async def test_a_key_is_stored_as_given(ring: KeyRing) -> None:
    key = new_api_key(
        name="web@app.example",
        scopes=frozenset(Scope),
        quota=3,
        rate=Rate(10, 60),
        origins=frozenset({"https://app.example", "http://localhost:5173"}),
        expires_at=LATER,
        revoked_at=LATER,
    )

    assert await ring.every() == []

    await ring.add(key)

    assert await ring.find(key.id) == key
    assert await ring.every() == [key]


async def test_missing_values_of_a_key_stay_missing(ring: KeyRing) -> None:
    for key in (new_api_key(quota=0), new_api_key(quota=None)):
        await ring.add(key)

        assert await ring.find(key.id) == key


async def test_an_id_belongs_to_one_key(ring: KeyRing) -> None:
    key = new_api_key()
    await ring.add(key)

    with pytest.raises(NameTaken):
        await ring.add(new_api_key(id=key.id))

    assert await ring.every() == [key]


async def test_of_concurrent_keys_with_one_id_one_is_stored(ring: KeyRing) -> None:
    racing = [new_api_key(id="pgv_00000000") for _ in range(5)]

    outcomes = await asyncio.gather(*map(ring.add, racing), return_exceptions=True)

    assert sum(isinstance(outcome, NameTaken) for outcome in outcomes) == 4
    assert len(await ring.every()) == 1


async def test_keys_are_listed_newest_first(ring: KeyRing) -> None:
    old, new, newest = (
        new_api_key(name="web", created_at=MADE + timedelta(seconds=s)) for s in range(3)
    )
    for key in (new, newest, old):
        await ring.add(key)

    assert await ring.every() == [newest, new, old]


async def test_pages_of_keys_follow_each_other_although_some_are_equally_old(ring: KeyRing) -> None:
    for seconds in (0, 1, 1, 1, 2):
        await ring.add(new_api_key(created_at=MADE + timedelta(seconds=seconds)))
    keys = await ring.every()

    assert await ring.search(KeyQuery()) == keys
    assert await ring.search(KeyQuery(limit=2)) == keys[:2]
    for number, key in enumerate(keys, start=1):
        assert await ring.search(KeyQuery(before=key, limit=2)) == keys[number : number + 2]


async def test_an_unknown_key_is_not_found_and_cannot_be_revoked(ring: KeyRing) -> None:
    key = new_api_key()
    await ring.add(key)

    for key_id in ["", "pgv_00000000", "pgv_\0\0\0\0", *STRANGE]:
        assert await ring.find(key_id) is None
        with pytest.raises(KeyNotFound):
            await ring.revoke(key_id, LATER)

    assert await ring.every() == [key]


async def test_the_first_revocation_of_a_key_counts(ring: KeyRing) -> None:
    key, other = new_api_key(name="web"), new_api_key(name="web")
    await ring.add(key)
    await ring.add(other)

    for moment in (LATER, LATER + timedelta(days=1)):
        assert await ring.revoke(key.id, moment) == key.revoked(LATER)
        assert await ring.find(key.id) == key.revoked(LATER)
    assert await ring.find(other.id) == other


async def test_concurrent_revocations_agree_on_one_moment(ring: KeyRing) -> None:
    key = new_api_key()
    await ring.add(key)
    moments = [LATER + timedelta(seconds=second) for second in range(5)]

    revoked = await asyncio.gather(*(ring.revoke(key.id, moment) for moment in moments))

    assert len({one.revoked_at for one in revoked}) == 1
    assert revoked[0].revoked_at in moments


@pytest.fixture
def trail(opened: Opened) -> AuditTrail:
    return opened.audit


async def three(trail: AuditTrail) -> list[AuditEntry]:
    """Append entries out of their order. Return them newest first."""
    made = [
        new_entry(MADE + timedelta(seconds=second), caller=caller, subject=subject)
        for second, (caller, subject) in enumerate([("ann", "db_1"), ("bob", "db_2"), ("ann", "")])
    ]
    for index in (1, 2, 0):
        await trail.append(made[index])
    return made[::-1]


async def test_an_audit_entry_is_stored_as_given(trail: AuditTrail) -> None:
    entry = new_entry(
        caller="ann@app.example",
        key="pgv_00000000",
        action="rotatePassword",
        subject="db_1",
        address="2001:db8::1",
        request_id="a.b_c-1",
        outcome="quota_reached",
    )

    assert await trail.read(AuditQuery()) == []

    await trail.append(entry)

    assert await trail.read(AuditQuery()) == [entry]


async def test_audit_entries_are_listed_newest_first_in_pages(trail: AuditTrail) -> None:
    entries = await three(trail)

    assert await trail.read(AuditQuery()) == entries
    assert await trail.read(AuditQuery(limit=2)) == entries[:2]
    assert await trail.read(AuditQuery(before=entries[0].id, limit=1)) == entries[1:2]
    assert await trail.read(AuditQuery(before=entries[2].id)) == []


async def test_only_matching_audit_entries_are_listed(trail: AuditTrail) -> None:
    entries = await three(trail)

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
        assert await trail.read(query) == [entries[place] for place in places], query


async def test_concurrent_audit_entries_are_all_stored(trail: AuditTrail) -> None:
    entries = [new_entry() for _ in range(30)]

    await asyncio.gather(*map(trail.append, entries))

    assert {entry.id for entry in await trail.read(AuditQuery())} == {e.id for e in entries}

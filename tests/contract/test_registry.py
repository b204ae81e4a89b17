"""The contract of the registry: records and versions."""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from domain.database import Database
from domain.errors import DatabaseNotFound, NameTaken, StaleRecord
from domain.lifecycle import MAX_HISTORY, Operation, State
from domain.names import Nickname
from ports.driven.registry import Query, Registry
from tests.support.records import new_record
from tests.support.registries import BEGIN, IDEMPOTENCY_KEY


async def test_a_new_record_is_stored_as_given_with_its_first_version(registry: Registry) -> None:
    new = replace(
        new_record(labels={"team": "a", "empty": "", "a.b/c\"d'": "50%"}),
        nickname=Nickname("Ünïted 🐘 '\"\\"),
        caller="somebody",
        idempotency_key=IDEMPOTENCY_KEY,
        resumable=True,
        suffixable=False,
        extensions=("vector", "citext"),
        expires_at=BEGIN + timedelta(days=1, microseconds=1),
        rotation=3,
        nonce="00112233445566778899aabbccddeeff",
        source="db_00000000000000000000000000",
        shape="a digest",
        ends_sessions=True,
        is_shared=True,
        export="shop-db_00000000000000000000000000.dump",
    ).fail(Operation.PROVISION, BEGIN, "It 'failed': \"50%\", 🐘\n")

    await registry.ping()
    assert await registry.search(Query()) == []

    record = await registry.add(new)

    assert record == replace(new, version=record.version)
    assert record.version > new.version
    assert await registry.get(record.id) == record


async def test_a_record_without_optional_values_is_stored(registry: Registry) -> None:
    bare = replace(new_record(), history=(), wake_at=None)

    record = await registry.add(bare)

    assert await registry.get(record.id) == replace(bare, version=record.version)


async def test_times_of_any_time_zone_are_stored_to_the_microsecond(registry: Registry) -> None:
    india = timezone(timedelta(hours=5, minutes=30))
    moment = datetime(2026, 3, 29, 2, 30, 0, 123456, tzinfo=india)
    new = new_record().start(Operation.VERIFY, moment)
    new = replace(new, expires_at=moment, wake_at=moment)

    record = await registry.get((await registry.add(new)).id)

    assert (record.expires_at, record.wake_at, record.history[-1].at) == (moment, moment, moment)


async def test_a_long_history_keeps_its_order(registry: Registry) -> None:
    database = new_record()
    for second in range(MAX_HISTORY):
        at = BEGIN + timedelta(seconds=second)
        database = database.fail(Operation.PROVISION, at, f"{second} " + "ä" * 200)

    record = await registry.add(database)

    assert (await registry.get(record.id)).history == database.history


async def test_an_unknown_record_is_not_found(registry: Registry) -> None:
    record = await registry.add(new_record())

    for database_id in ["db_unknown", "", "'", "%", "\0", "\ud800", "db_" + "0" * 26]:
        with pytest.raises(DatabaseNotFound):
            await registry.get(database_id)
    with pytest.raises(DatabaseNotFound):
        await registry.update(new_record())
    assert await registry.search(Query()) == [record]


async def test_an_update_replaces_the_record_with_the_next_version(registry: Registry) -> None:
    record = await registry.add(new_record())
    changed = replace(
        record.transition_to(State.READY).complete(
            Operation.PROVISION, BEGIN, BEGIN + timedelta(hours=1)
        ),
        idempotency_key=IDEMPOTENCY_KEY,
        labels={"new": "label"},
        expires_at=BEGIN,
        rotation=1,
    )

    updated = await registry.update(changed)

    assert updated == replace(changed, version=updated.version)
    assert updated.version > record.version
    assert await registry.get(record.id) == updated


@pytest.mark.parametrize("state", [State.PROVISIONING, State.DELETED])
async def test_a_record_cannot_be_added_twice(registry: Registry, state: State) -> None:
    record = await registry.add(new_record(state=state))

    with pytest.raises(NameTaken):
        await registry.add(replace(record, state=State.READY))

    assert await registry.search(Query()) == [record]


async def test_an_update_of_an_old_version_is_refused(registry: Registry) -> None:
    old = await registry.add(new_record())
    current = await registry.update(old.transition_to(State.READY))

    with pytest.raises(StaleRecord):
        await registry.update(old.transition_to(State.DELETING))

    assert await registry.get(old.id) == current


async def test_of_concurrent_updates_one_succeeds(registry: Registry) -> None:
    record = await registry.add(new_record())
    changes = [replace(record, labels={"by": str(number)}) for number in range(20)]

    outcomes = await asyncio.gather(*map(registry.update, changes), return_exceptions=True)

    (winner,) = [outcome for outcome in outcomes if isinstance(outcome, Database)]
    assert sum(isinstance(outcome, StaleRecord) for outcome in outcomes) == 19
    assert await registry.get(record.id) == winner


async def test_returned_records_are_independent_values(registry: Registry) -> None:
    labels = {"team": "a"}
    record = await registry.add(new_record(labels=labels))
    before = replace(record)

    labels["team"] = "b"
    assert (await registry.get(record.id)).labels == record.labels == {"team": "a"}

    await registry.update(record.transition_to(State.READY))
    assert record == before


async def test_many_concurrent_calls_are_answered(registry: Registry) -> None:
    records = await asyncio.gather(*(registry.add(new_record()) for _ in range(30)))
    transition_to = await asyncio.gather(
        *(registry.update(record.transition_to(State.READY)) for record in records)
    )

    found = await asyncio.gather(*(registry.get(record.id) for record in records))

    assert found == transition_to

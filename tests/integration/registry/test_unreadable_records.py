"""Records that this version cannot read, errors of the drivers, and the audit log's triggers."""

import traceback
from dataclasses import replace

import pytest
from sqlalchemy import insert, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.registry.audit_log import SqlAuditTrail
from adapters.registry.errors import translated
from adapters.registry.registry import SqlRegistry
from adapters.registry.rows import row_of
from adapters.registry.schema import DATABASES
from adapters.registry.store import Store
from domain.database import Database
from domain.errors import NameTaken, RequestKnown, Unavailable
from domain.idempotency import REMEMBERED
from domain.lifecycle import AT_ONCE
from domain.reconciliation import Upkeep
from domain.states import State
from ports.driven.audit_log import AuditQuery
from ports.driven.registry import Query, Registry
from ports.use_cases.reconcile import DONE
from tests.support.consistency import found
from tests.support.drift_scenarios import told, vended
from tests.support.key_records import new_entry
from tests.support.memory_service import Memory
from tests.support.records import new_record
from tests.support.registries import MARK

OF_A_NEWER_VERSION = "UPDATE databases SET state = 'quarantined' WHERE id = :id"

UNREADABLE = {
    "state": OF_A_NEWER_VERSION,
    "isolation": "UPDATE databases SET isolation = 'planet' WHERE id = :id",
    "step": "UPDATE databases SET history = '[{}]' WHERE id = :id",
    "no steps": "UPDATE databases SET history = '7' WHERE id = :id",
}


@pytest.fixture
def registry(migrated: AsyncEngine) -> Registry:
    return SqlRegistry(Store(migrated, migrated))


async def spoilt(engine: AsyncEngine, database: Database, change: str) -> None:
    async with engine.begin() as connection:
        await connection.execute(text(change), {"id": database.id})


async def test_an_unreadable_record_is_reported_by_id_and_others_stay_usable(
    registry: Registry, engine: AsyncEngine
) -> None:
    other = await registry.add(new_record())
    for rotation, change in enumerate(UNREADABLE.values(), start=1):
        record = await registry.add(new_record())
        await spoilt(engine, record, change)

        with pytest.raises(Unavailable, match=record.id):
            await registry.get(record.id)
        with pytest.raises(Unavailable, match=record.id):
            await registry.search(Query())
        other = await registry.update(replace(other, rotation=rotation))
        assert await registry.get(other.id) == other


async def test_records_of_a_newer_version_are_never_due(
    registry: Registry, engine: AsyncEngine
) -> None:
    due, newer = [await registry.add(new_record()) for _ in range(2)]
    await spoilt(engine, newer, OF_A_NEWER_VERSION)

    assert await registry.search(Query(due=AT_ONCE)) == [due]


async def test_deleted_and_failed_records_are_never_due(registry: Registry) -> None:
    for state in (State.FAILED, State.DELETED):
        gone = await registry.add(new_record(state=state))
        assert gone.wake_at
        assert await registry.search(Query(due=gone.wake_at + REMEMBERED)) == []


async def test_reconciliation_skips_unreadable_records(
    registry: Registry, engine: AsyncEngine
) -> None:
    memory = Memory(registry=registry)
    newer, other = await vended(memory, "Newer"), await vended(memory, "Other")
    for database in (newer, other):
        await memory.deletion().request(database.id)
    await spoilt(engine, newer, OF_A_NEWER_VERSION)

    assert told(await found(memory))[0] == (Upkeep.DELETE, DONE)
    assert memory.lets_in(newer)
    assert (await registry.get(other.id)).state is State.DELETED


async def test_a_known_request_is_distinguished_from_a_taken_name(migrated: AsyncEngine) -> None:
    """By the database's own error: the other record may be gone when a query looks for it."""
    await _insert(migrated, replace(new_record("request_key"), request=MARK))

    with pytest.raises(RequestKnown):
        await _insert(migrated, replace(new_record(), request=MARK))
    with pytest.raises(NameTaken):
        await _insert(migrated, new_record("request_key"))


async def test_errors_contain_neither_statements_nor_values(
    migrated: AsyncEngine, registry: Registry
) -> None:
    kept = await registry.add(new_record("Secret Project"))
    with pytest.raises(NameTaken) as taken:
        await registry.add(new_record("Secret Project"))
    async with migrated.begin() as connection:
        await connection.execute(text("DROP TABLE databases"))
    with pytest.raises(Unavailable) as unwritten:
        await registry.update(kept)
    with pytest.raises(Unavailable) as unread:
        await registry.search(Query(labels={"team": "secret"}))

    for error in (taken.value, unwritten.value, unread.value):
        message = "".join(traceback.format_exception(error, limit=0))
        assert not any(word in message for word in ("INSERT", "UPDATE", "SELECT", "Secret", "team"))


async def _insert(engine: AsyncEngine, database: Database) -> None:
    with translated():
        async with engine.begin() as connection:
            await connection.execute(insert(DATABASES).values(row_of(database)))


CHANGES = [
    "UPDATE audit SET caller = 'another'",
    "DELETE FROM audit",
    "DELETE FROM audit WHERE caller = 'ann'",
]
OF_DIALECT = {
    "sqlite": ["INSERT OR REPLACE INTO audit SELECT * FROM audit"],
    "postgresql": [
        "TRUNCATE audit",
        "INSERT INTO audit SELECT * FROM audit ON CONFLICT (id) DO UPDATE SET caller = 'x'",
    ],
}


async def test_audit_events_cannot_be_changed(migrated: AsyncEngine) -> None:
    trail, entry = SqlAuditTrail(Store(migrated, migrated)), new_entry()
    await trail.append(entry)

    for statement in [*CHANGES, *OF_DIALECT[migrated.dialect.name]]:
        with pytest.raises(DBAPIError, match="the audit trail only grows"):
            async with migrated.begin() as connection:
                await connection.exec_driver_sql(statement)
        assert await trail.read(AuditQuery()) == [entry]

"""Records that this version cannot read, errors of the drivers, and the audit log's triggers."""

import traceback
from dataclasses import replace

import pytest
from sqlalchemy import insert, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.registry.audit_log import SqlAuditLog
from adapters.registry.errors import translate_errors
from adapters.registry.executor import Executor
from adapters.registry.registry import SqlRegistry
from adapters.registry.rows import row_from_database
from adapters.registry.schema import DATABASES
from domain.database import Database
from domain.errors import NameTaken, RequestAlreadyRecorded, Unavailable
from domain.idempotency import RETENTION
from domain.lifecycle import DUE_NOW, State
from domain.reconciliation import ReconcileAction
from ports.driven.audit_log import AuditQuery
from ports.driven.registry import Query, Registry
from ports.use_cases.reconcile import DONE
from tests.support.consistency import reconcile_once
from tests.support.drift_scenarios import create_database, summarize
from tests.support.key_records import new_entry
from tests.support.memory_service import MemoryService
from tests.support.records import new_record
from tests.support.registries import IDEMPOTENCY_KEY

OF_A_NEWER_VERSION = "UPDATE databases SET state = 'quarantined' WHERE id = :id"

UNREADABLE = {
    "state": OF_A_NEWER_VERSION,
    "isolation": "UPDATE databases SET isolation = 'planet' WHERE id = :id",
    "step": "UPDATE databases SET history = '[{}]' WHERE id = :id",
    "no steps": "UPDATE databases SET history = '7' WHERE id = :id",
}


@pytest.fixture
def registry(migrated_engine: AsyncEngine) -> Registry:
    return SqlRegistry(Executor(migrated_engine, migrated_engine))


async def corrupt(engine: AsyncEngine, database: Database, change: str) -> None:
    async with engine.begin() as connection:
        await connection.execute(text(change), {"id": database.id})


async def test_an_unreadable_record_is_reported_by_id_and_others_stay_usable(
    registry: Registry, engine: AsyncEngine
) -> None:
    other = await registry.add(new_record())
    for rotation, change in enumerate(UNREADABLE.values(), start=1):
        record = await registry.add(new_record())
        await corrupt(engine, record, change)

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
    await corrupt(engine, newer, OF_A_NEWER_VERSION)

    assert await registry.search(Query(due=DUE_NOW)) == [due]


async def test_deleted_and_failed_records_are_never_due(registry: Registry) -> None:
    for state in (State.FAILED, State.DELETED):
        gone = await registry.add(new_record(state=state))
        assert gone.wake_at
        assert await registry.search(Query(due=gone.wake_at + RETENTION)) == []


async def test_reconciliation_skips_unreadable_records(
    registry: Registry, engine: AsyncEngine
) -> None:
    memory = MemoryService(registry=registry)
    newer, other = await create_database(memory, "Newer"), await create_database(memory, "Other")
    for database in (newer, other):
        await memory.deletion().request(database.id)
    await corrupt(engine, newer, OF_A_NEWER_VERSION)

    assert summarize(await reconcile_once(memory))[0] == (ReconcileAction.DELETE, DONE)
    assert memory.accepts_login(newer)
    assert (await registry.get(other.id)).state is State.DELETED


async def test_a_known_request_is_distinguished_from_a_taken_name(
    migrated_engine: AsyncEngine,
) -> None:
    """By the database's own error: the other record may be gone when a query looks for it."""
    await _insert(
        migrated_engine, replace(new_record("request_key"), idempotency_key=IDEMPOTENCY_KEY)
    )

    with pytest.raises(RequestAlreadyRecorded):
        await _insert(migrated_engine, replace(new_record(), idempotency_key=IDEMPOTENCY_KEY))
    with pytest.raises(NameTaken):
        await _insert(migrated_engine, new_record("request_key"))


async def test_errors_contain_neither_statements_nor_values(
    migrated_engine: AsyncEngine, registry: Registry
) -> None:
    kept = await registry.add(new_record("Secret Project"))
    with pytest.raises(NameTaken) as taken:
        await registry.add(new_record("Secret Project"))
    async with migrated_engine.begin() as connection:
        await connection.execute(text("DROP TABLE databases"))
    with pytest.raises(Unavailable) as unwritten:
        await registry.update(kept)
    with pytest.raises(Unavailable) as unread:
        await registry.search(Query(labels={"team": "secret"}))

    for error in (taken.value, unwritten.value, unread.value):
        message = "".join(traceback.format_exception(error, limit=0))
        assert not any(word in message for word in ("INSERT", "UPDATE", "SELECT", "Secret", "team"))


async def _insert(engine: AsyncEngine, database: Database) -> None:
    with translate_errors():
        async with engine.begin() as connection:
            await connection.execute(insert(DATABASES).values(row_from_database(database)))


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


async def test_audit_events_cannot_be_changed(migrated_engine: AsyncEngine) -> None:
    audit_log, entry = SqlAuditLog(Executor(migrated_engine, migrated_engine)), new_entry()
    await audit_log.append(entry)

    for statement in [*CHANGES, *OF_DIALECT[migrated_engine.dialect.name]]:
        with pytest.raises(DBAPIError, match="the audit trail only grows"):
            async with migrated_engine.begin() as connection:
                await connection.exec_driver_sql(statement)
        assert await audit_log.read(AuditQuery()) == [entry]

"""Records and audit entries that a release wrote before the glossary's words."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.registry.audit_log import FORMER_ACTIONS, SqlAuditLog
from adapters.registry.doctor import SqliteRegistryChecks
from adapters.registry.executor import Executor
from adapters.registry.migration import migrate
from adapters.registry.registry import SqlRegistry
from domain.database import Database
from domain.errors import NameTaken, QuotaReached
from domain.lifecycle import Operation, State
from domain.reconciliation import ReconcileAction, find_due_action
from ports.driven.audit_log import AuditQuery
from ports.driven.registry import Query
from tests.integration.registry.former_records import (
    FORMER_RECORDS,
    QUOTING_ERROR,
    add_audit_events,
    create_former_tables,
)
from tests.support.records import TARGET, new_record
from tests.support.registries import BEGIN, create_sqlite_engine, registry_file

STATES = {
    "new": State.PROVISIONING,
    "ready": State.READY,
    "full": State.READY,
    "freed": State.READY,
    "expired": State.EXPIRED,
    "going": State.DELETING,
    "gone": State.DELETED,
    "failed": State.FAILED,
    "lost": State.DELETED,
}

OPERATIONS = {"retire": "delete", "confine": "set_read_only", "release": "clear_read_only"}

LIVE_OF_CALLER = 6


@pytest.fixture
async def former(engine: AsyncEngine) -> AsyncEngine:
    """A registry of revision 0004 with a record of every kind, as that release stored them."""
    async with engine.begin() as connection:
        await connection.run_sync(create_former_tables)
    return engine


async def _migrate(engine: AsyncEngine) -> SqlRegistry:
    async with engine.begin() as connection:
        await connection.run_sync(migrate)
    return SqlRegistry(Executor(engine, engine))


async def _records(engine: AsyncEngine) -> Mapping[str, Database]:
    registry = await _migrate(engine)
    return {record.nickname.text: record for record in await registry.search(Query())}


async def test_states_are_rewritten(former: AsyncEngine) -> None:
    records = await _records(former)

    assert {name: record.state for name, record in records.items()} == STATES
    assert {record.version for record in records.values()} == {3}


async def test_operations_are_rewritten_and_nothing_else_in_a_history(former: AsyncEngine) -> None:
    records = await _records(former)

    for name, (_, former_steps) in FORMER_RECORDS.items():
        steps = [(step.name, step.state.value) for step in records[name].history]
        assert steps == [(OPERATIONS.get(step, step), state) for step, state in former_steps]
    assert records["going"].history[-1].error == QUOTING_ERROR


async def test_a_deletion_that_had_started_is_due_and_one_that_was_done_is_known(
    former: AsyncEngine,
) -> None:
    records = await _records(former)

    assert records["going"].is_pending(Operation.DELETE)
    assert find_due_action(records["going"], BEGIN) is ReconcileAction.DELETE
    assert not records["gone"].is_missing
    assert records["lost"].is_missing


@pytest.mark.parametrize(
    ("name", "action"), [("full", "set_read_only"), ("freed", "clear_read_only")]
)
async def test_a_change_of_a_size_limit_that_had_started_is_due(
    former: AsyncEngine, name: str, action: str
) -> None:
    records = await _records(former)

    assert find_due_action(records[name], BEGIN) == action


async def test_lists_and_due_work_find_the_records(former: AsyncEngine) -> None:
    registry = await _migrate(former)

    async def found(query: Query) -> set[str]:
        return {record.nickname.text for record in await registry.search(query)}

    assert await found(Query(states=frozenset({State.DELETED}))) == {"gone", "lost"}
    assert await found(Query(states=frozenset({State.DELETING}))) == {"going"}
    due_now = Query(due=BEGIN + timedelta(days=1), target=TARGET.name)
    assert await found(due_now) == {"new", "full", "freed", "going"}


async def test_quotas_count_live_databases_alone(former: AsyncEngine) -> None:
    registry, another = await _migrate(former), replace(new_record(), caller="ann")

    with pytest.raises(QuotaReached):
        await registry.add(another, quota=LIVE_OF_CALLER)
    await registry.add(another, quota=LIVE_OF_CALLER + 1)


@pytest.mark.parametrize("name", ["gone", "failed", "lost"])
async def test_names_of_deleted_databases_are_free(former: AsyncEngine, name: str) -> None:
    registry = await _migrate(former)

    await registry.add(new_record(name))
    with pytest.raises(NameTaken):
        await registry.add(new_record(name))


async def test_names_of_a_database_that_is_being_deleted_are_taken(former: AsyncEngine) -> None:
    registry = await _migrate(former)

    with pytest.raises(NameTaken):
        await registry.add(new_record("going"))


async def test_two_deleted_databases_of_one_name_are_no_obstacle(former: AsyncEngine) -> None:
    """Under the former condition of the indexes, `deleted` is a state that holds its names."""
    async with former.begin() as connection:
        await connection.execute(
            text("UPDATE databases SET database = 'x', owner = 'x' WHERE state = 'retired'")
        )

    records = await _records(former)

    assert records["gone"].names == records["lost"].names


async def test_a_migration_that_is_rolled_back_leaves_the_former_words(former: AsyncEngine) -> None:
    async with former.connect() as connection:
        await connection.exec_driver_sql("BEGIN")
        await connection.run_sync(migrate)
        await connection.exec_driver_sql("ROLLBACK")

        rows = await connection.exec_driver_sql("SELECT nickname, state FROM databases")
        found = {row["nickname"]: row["state"] for row in rows.mappings()}
        assert found == {name: state for name, (state, _) in FORMER_RECORDS.items()}
    assert (await _records(former))["gone"].state is State.DELETED


async def test_a_history_that_is_not_a_list_does_not_stop_the_migration(
    former: AsyncEngine,
) -> None:
    async with former.begin() as connection:
        await connection.exec_driver_sql(
            "UPDATE databases SET history = '7' WHERE nickname = 'gone'"
        )

    registry = await _migrate(former)

    assert len(await registry.search(Query(states=frozenset({State.READY})))) == 3


@pytest.mark.parametrize("server", ["server_15", "server_18"], indirect=True)
@pytest.mark.parametrize(
    "change",
    [
        "state = 'retiring'",
        "state = 'retired'",
        *(f"""history = '[{{"name": "{name}"}}]'""" for name in OPERATIONS),
    ],
)
async def test_an_older_replica_that_still_runs_cannot_write_former_words(
    former: AsyncEngine, change: str
) -> None:
    """Not as a violated constraint, which that release takes for a name in use."""
    before = await _records(former)

    with pytest.raises(DBAPIError, match="this pgvend is older") as refusal:
        async with former.begin() as connection:
            await connection.execute(text(f"UPDATE databases SET {change}"))

    assert not isinstance(refusal.value, IntegrityError)
    assert await _records(former) == before


async def test_the_audit_log_shows_former_actions_by_their_present_names(
    former: AsyncEngine,
) -> None:
    actions = [*FORMER_ACTIONS, "createDatabase"]
    async with former.begin() as connection:
        await connection.run_sync(add_audit_events, actions)
    await _migrate(former)

    entries = await SqlAuditLog(Executor(former, former)).read(AuditQuery())

    present = [entry.action for entry in reversed(entries)]
    assert present == [*FORMER_ACTIONS.values(), "createDatabase"]


async def test_doctor_counts_the_live_records_of_former_tables(tmp_path: Path) -> None:
    file = registry_file(tmp_path)
    engine = create_sqlite_engine(file)
    async with engine.begin() as connection:
        await connection.run_sync(create_former_tables)
    await engine.dispose()

    found = await SqliteRegistryChecks(file).take_snapshot()

    assert len(found.live) == LIVE_OF_CALLER

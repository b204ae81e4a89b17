"""Databases that are marked missing and reappear with their data."""

import pytest

from domain.database import Database
from domain.errors import NameTaken
from domain.lifecycle import Operation, State
from domain.reconciliation import SETTLING_TIME, ReconcileAction
from ports.use_cases.provisioned_database import ProvisionedDatabase
from ports.use_cases.reconcile import DONE, REPORTED
from tests.support.consistency import assert_consistent, reconcile_once
from tests.support.drift_scenarios import (
    create_database,
    drop_half_on_server,
    drop_on_server,
    provider_with,
    summarize,
)
from tests.support.memory_service import HOUR, MemoryService


@pytest.fixture
async def marked_missing(memory: MemoryService) -> Database:
    """A database marked missing because the inventory came from an older copy of the server."""
    old = await create_database(memory, "Old")
    database = await create_database(memory, ttl=9 * HOUR)
    memory.clock.moment += SETTLING_TIME
    right, memory.provider = memory.provider, await provider_with(old)
    assert summarize(await reconcile_once(memory)) == [(ReconcileAction.MARK_MISSING, DONE)]
    memory.provider = right
    return await memory.registry.get(database.id)


async def assert_deleted(memory: MemoryService, database_id: str) -> None:
    assert (await memory.registry.get(database_id)).state is State.DELETED
    assert database_id not in await memory.tenant_ids()
    await assert_consistent(memory)


async def test_marking_as_missing_drops_nothing(
    memory: MemoryService, marked_missing: Database
) -> None:
    assert (marked_missing.state, marked_missing.is_missing) == (State.DELETED, True)
    assert Operation.DELETE not in {step.name for step in marked_missing.steps}
    assert memory.accepts_login(marked_missing)


async def test_a_missing_database_that_reappears_is_ready_again(
    memory: MemoryService, marked_missing: Database
) -> None:
    assert summarize(await reconcile_once(memory)) == [(ReconcileAction.IMPORT, DONE)]

    assert (await memory.registry.get(marked_missing.id)).state is State.READY
    assert memory.provider.accepts((await memory.show_connection()(marked_missing.id)).connection)
    await assert_consistent(memory)
    await memory.delete(marked_missing.id)
    await assert_deleted(memory, marked_missing.id)


async def test_a_missing_database_deleted_by_its_caller_is_dropped_when_it_reappears(
    memory: MemoryService, marked_missing: Database
) -> None:
    assert (await memory.deletion().request(marked_missing.id)).is_gone
    assert summarize(await reconcile_once(memory)) == [(ReconcileAction.DELETE_LEFTOVER, DONE)]
    await assert_deleted(memory, marked_missing.id)


async def test_a_reappeared_database_does_not_take_a_name_from_another(
    memory: MemoryService, marked_missing: Database
) -> None:
    right, memory.provider = memory.provider, await provider_with()
    other = await create_database(memory)
    memory.provider = right

    results = await reconcile_once(memory)

    assert other.names == marked_missing.names
    assert (ReconcileAction.IMPORT, NameTaken.code) in summarize(results)
    assert memory.accepts_login(marked_missing)


async def test_a_remaining_role_is_dropped_by_a_deletion_only(
    memory: MemoryService, sales: ProvisionedDatabase
) -> None:
    """Its database may exist and not be listed, so that the reconciler drops nothing by itself."""
    other = await create_database(memory, "Other")
    await drop_half_on_server(memory, sales.database)

    assert summarize(await reconcile_once(memory)) == [(ReconcileAction.MARK_MISSING, DONE)]
    assert summarize(await reconcile_once(memory)) == [
        (ReconcileAction.REPORT_INCOMPLETE, REPORTED)
    ]
    await memory.deletion().request(sales.database.id)
    assert summarize(await reconcile_once(memory)) == [(ReconcileAction.DELETE_LEFTOVER, DONE)]

    assert await memory.tenant_ids() == {other.id}
    await assert_consistent(memory)


async def test_two_concurrent_reconcilers_take_back_a_database_once(
    memory: MemoryService, marked_missing: Database
) -> None:
    [mine], [theirs] = await memory.detect_drift()(), await memory.replica().detect_drift()()
    assert mine.run
    assert theirs.run

    assert [await mine.run(), await theirs.run()] == [True, False]

    assert (await memory.registry.get(marked_missing.id)).state is State.READY


@pytest.mark.parametrize("dry_run", [False, True])
async def test_a_database_that_may_be_on_another_server_is_not_marked_missing(
    memory: MemoryService, sales: ProvisionedDatabase, dry_run: bool
) -> None:
    await drop_on_server(memory, sales.database)

    [result] = await reconcile_once(memory, dry_run=dry_run)

    assert (result.action, result.outcome) == (ReconcileAction.REPORT_MISSING, REPORTED)
    assert result.id == sales.database.id
    assert "delete the database" in result.detail
    assert await memory.only_record() == sales.database

"""Drift between the records and the provider: what is repaired, and what is kept."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from adapters.memory.provider import MemoryProvider
from domain.lifecycle import State
from domain.provisioning import InventoryItem
from domain.reconciliation import SETTLING_TIME, ReconcileAction
from domain.text import escape_unprintable
from ports.use_cases.detect_drift import PAGE, TOMBSTONE
from ports.use_cases.provisioned_database import ProvisionedDatabase
from ports.use_cases.reconcile import DONE, PARTIAL, PLANNED, REPORTED, ReconcileResult
from tests.support.consistency import assert_consistent, reconcile_once
from tests.support.drift_scenarios import (
    create_database,
    drop_on_server,
    provision_half_unrecorded,
    provision_unrecorded,
    summarize,
)
from tests.support.memory_service import GRACE, MemoryService
from tests.support.provision_requests import deriver
from tests.support.records import new_record

UNPLAIN = ["a\nLD_PRELOAD=x", "\x1b]0;a\x07", "a\u202eb", "a\ud800"]


async def test_an_orphaned_database_is_imported_and_can_be_used_and_deleted(
    memory: MemoryService,
) -> None:
    tenant = await provision_unrecorded(memory, age=9 * SETTLING_TIME)

    assert summarize(await reconcile_once(memory)) == [(ReconcileAction.IMPORT, DONE)]

    record = await memory.only_record()
    assert (record.id, record.names, record.state) == (tenant.id, tenant.names, State.READY)
    assert abs(record.created_at - (memory.clock.now() - 9 * SETTLING_TIME)) < timedelta(seconds=1)
    assert (record.expires_at, record.wake_at) == (None, None)
    assert memory.provider.accepts((await memory.rotate()(tenant.id)).connection)
    await memory.deletion().request(tenant.id)
    assert summarize(await reconcile_once(memory)) == [(ReconcileAction.DELETE, DONE)]
    await assert_consistent(memory)


async def test_an_incomplete_orphan_is_reported_and_not_touched(memory: MemoryService) -> None:
    """It may belong to another service, or be in use."""
    await provision_half_unrecorded(memory)
    acquire = await memory.tenant_ids()
    [half] = await memory.provider.inventory()

    [result] = await reconcile_once(memory)

    assert (result.action, result.outcome) == (ReconcileAction.REPORT_INCOMPLETE, REPORTED)
    assert result.database == (half.database or half.owner)
    assert "on the server" in result.detail
    assert (await memory.records(), await memory.tenant_ids()) == ([], acquire)


async def test_two_concurrent_imports_add_one_record(memory: MemoryService) -> None:
    await provision_unrecorded(memory)

    both = await asyncio.gather(reconcile_once(memory), reconcile_once(memory.replica()))

    assert (ReconcileAction.IMPORT, DONE) in summarize(both[0] + both[1])
    assert len(await memory.records()) == 1
    await assert_consistent(memory)


async def test_an_orphan_with_a_recorded_name_is_reported_and_kept(memory: MemoryService) -> None:
    tenant = await provision_unrecorded(memory)
    other = new_record("Lost", state=State.READY, created_at=memory.clock.now())
    await memory.registry.add(replace(other, wake_at=None))

    assert (ReconcileAction.IMPORT, "name_taken") in summarize(await reconcile_once(memory))
    assert await memory.tenant_ids() == {tenant.id}


async def test_a_leftover_of_a_deleted_database_is_deleted(
    memory: MemoryService, sales: ProvisionedDatabase
) -> None:
    await memory.delete(sales.database.id)
    await memory.provider.provision(sales.database.to_provision_request(deriver))

    assert summarize(await reconcile_once(memory)) == [(ReconcileAction.DELETE_LEFTOVER, DONE)]
    assert await memory.tenant_ids() == set()


async def test_a_tombstone_frees_name_and_quota_and_is_removed_in_parts(
    memory: MemoryService, sales: ProvisionedDatabase
) -> None:
    memory.provider.add_dependents(sales.database.id, 2)
    await memory.delete(sales.database.id)

    assert (await memory.registry.get(sales.database.id)).state is State.DELETED
    again = await create_database(memory, sales.database.nickname.text)
    assert again.names == sales.database.names
    [dry] = await memory.reconcile()(dry_run=True)
    assert (dry.action, dry.outcome, dry.detail) == (
        ReconcileAction.DELETE_LEFTOVER,
        PLANNED,
        TOMBSTONE,
    )
    [first] = await reconcile_once(memory)
    assert (first.action, first.outcome) == (ReconcileAction.DELETE_LEFTOVER, PARTIAL)
    assert first.detail == "Objects of others refer to it: 1."
    assert summarize(await reconcile_once(memory)) == [(ReconcileAction.DELETE_LEFTOVER, DONE)]
    assert await reconcile_once(memory) == []
    assert await memory.tenant_ids() == {again.id}


async def test_a_database_dropped_on_the_server_is_marked_missing(memory: MemoryService) -> None:
    database, other = await create_database(memory), await create_database(memory, "Other")
    await drop_on_server(memory, database)

    assert summarize(await reconcile_once(memory)) == [(ReconcileAction.MARK_MISSING, DONE)]

    assert (await memory.registry.get(database.id)).state is State.DELETED
    assert (await memory.registry.get(other.id)) == other
    await assert_consistent(memory)


async def test_the_record_follows_a_renamed_database(
    memory: MemoryService, sales: ProvisionedDatabase
) -> None:
    memory.provider._databases["renamed"] = memory.provider._databases.pop("sales")

    assert summarize(await reconcile_once(memory)) == [(ReconcileAction.RENAME, DONE)]

    connection = (await memory.show_connection()(sales.database.id)).connection
    assert connection.database == "renamed"
    assert memory.provider.accepts(connection)
    await assert_consistent(memory)


@pytest.mark.parametrize("name", UNPLAIN, ids=ascii)
async def test_a_name_with_control_characters_is_reported_and_not_recorded(
    memory: MemoryService, sales: ProvisionedDatabase, name: str
) -> None:
    memory.provider._databases[name] = memory.provider._databases.pop("sales")

    [result] = await reconcile_once(memory)

    assert summarize([result]) == [(ReconcileAction.RENAME, REPORTED)]
    assert result.database == escape_unprintable(name)
    assert "keeps the former name" in result.detail
    assert await memory.only_record() == sales.database
    await memory.delete(sales.database.id)


@pytest.mark.parametrize("name", UNPLAIN, ids=ascii)
async def test_a_database_with_such_a_name_is_not_imported(
    memory: MemoryService, name: str
) -> None:
    tenant = await provision_unrecorded(memory)
    memory.provider._databases[name] = memory.provider._databases.pop(tenant.names.database)

    assert summarize(await reconcile_once(memory)) == [(ReconcileAction.IMPORT, REPORTED)]
    assert await memory.records() == []


@pytest.mark.parametrize("is_deleted", [False, True])
async def test_a_database_that_changes_meanwhile_is_not_touched(
    memory: MemoryService, is_deleted: bool
) -> None:
    """Between reading the records and reading the inventory, or after both."""
    database, _ = await create_database(memory), await create_database(memory, "Other")
    await drop_on_server(memory, database)
    tasks = await memory.detect_drift()()
    await memory.provider.provision(database.to_provision_request(deriver))
    await (memory.deletion().request(database.id) if is_deleted else memory.rotate()(database.id))
    record = await memory.registry.get(database.id)

    assert [await task.run() for task in tasks if task.run] == [False]
    assert await memory.registry.get(database.id) == record
    assert database.id in await memory.tenant_ids()


class Behind(MemoryProvider):
    """Its first inventory lacks the newest database."""

    inventories = 0

    async def inventory(self) -> Sequence[InventoryItem]:
        self.inventories += 1
        items = await super().inventory()
        return items[:-1] if self.inventories == 1 else items


async def test_a_database_that_the_second_inventory_shows_is_not_missing(
    memory: MemoryService,
) -> None:
    memory.provider = Behind()
    both = [await create_database(memory), await create_database(memory, "Other")]
    memory.clock.moment += SETTLING_TIME

    assert summarize(await reconcile_once(memory)) == []
    assert all(memory.accepts_login(provisioned) for provisioned in both)


async def test_a_database_that_is_being_provisioned_is_not_drift(memory: MemoryService) -> None:
    seen: list[list[ReconcileResult]] = []

    async def reconcile_meanwhile(moment: str) -> None:
        if moment in {"during provision", "after provision"}:
            seen.append(await memory.reconcile()())

    memory.fault_hook = reconcile_meanwhile
    provisioned = await create_database(memory)

    assert seen == [[], []]
    assert memory.accepts_login(provisioned)


async def test_all_pages_of_records_are_compared(
    memory: MemoryService, sales: ProvisionedDatabase
) -> None:
    for _ in range(PAGE):
        await memory.registry.add(new_record(created_at=memory.clock.now() + GRACE))
    missing = await memory.registry.add(
        new_record("Missing", state=State.READY, created_at=memory.clock.now())
    )
    memory.clock.moment += SETTLING_TIME

    tasks = await memory.detect_drift()()

    assert [(task.action, task.id) for task in tasks] == [
        (ReconcileAction.MARK_MISSING, missing.id)
    ]
    assert memory.accepts_login(sales.database)

"""Drift between the records and the provider: what is repaired, and what is kept."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from adapters.memory.provider import MemoryProvider
from domain.provisioning import Holding
from domain.reconciliation import SETTLED, Upkeep
from domain.states import State
from domain.text import legible
from ports.use_cases.detect_drift import PAGE, TOMBSTONE
from ports.use_cases.provisioned_database import Vended
from ports.use_cases.reconcile import DONE, PART, TOLD, WOULD, Finding
from tests.support.consistency import assert_in_line, found
from tests.support.drift_scenarios import half_unrecorded, lost, told, unrecorded, vended
from tests.support.memory_service import GRACE, Memory
from tests.support.provision_requests import deriver
from tests.support.records import new_record

UNPLAIN = ["a\nLD_PRELOAD=x", "\x1b]0;a\x07", "a\u202eb", "a\ud800"]


async def test_an_orphaned_database_is_imported_and_can_be_used_and_deleted(memory: Memory) -> None:
    tenant = await unrecorded(memory, age=9 * SETTLED)

    assert told(await found(memory)) == [(Upkeep.ADOPT, DONE)]

    record = await memory.only_record()
    assert (record.id, record.names, record.state) == (tenant.id, tenant.names, State.READY)
    assert abs(record.created_at - (memory.clock.now() - 9 * SETTLED)) < timedelta(seconds=1)
    assert (record.expires_at, record.wake_at) == (None, None)
    assert memory.provider.accepts((await memory.rotate()(tenant.id)).connection)
    await memory.deletion().request(tenant.id)
    assert told(await found(memory)) == [(Upkeep.DELETE, DONE)]
    await assert_in_line(memory)


async def test_an_incomplete_orphan_is_reported_and_not_touched(memory: Memory) -> None:
    """It may belong to another service, or be in use."""
    await half_unrecorded(memory)
    held = await memory.tenant_ids()
    [half] = await memory.provider.inventory()

    [finding] = await found(memory)

    assert (finding.action, finding.outcome) == (Upkeep.DOUBT, TOLD)
    assert finding.database == (half.database or half.owner)
    assert "on the server" in finding.detail
    assert (await memory.records(), await memory.tenant_ids()) == ([], held)


async def test_two_concurrent_imports_add_one_record(memory: Memory) -> None:
    await unrecorded(memory)

    both = await asyncio.gather(found(memory), found(memory.replica()))

    assert (Upkeep.ADOPT, DONE) in told(both[0] + both[1])
    assert len(await memory.records()) == 1
    await assert_in_line(memory)


async def test_an_orphan_with_a_recorded_name_is_reported_and_kept(memory: Memory) -> None:
    tenant = await unrecorded(memory)
    other = new_record("Lost", state=State.READY, made=memory.clock.now())
    await memory.registry.add(replace(other, wake_at=None))

    assert (Upkeep.ADOPT, "name_taken") in told(await found(memory))
    assert await memory.tenant_ids() == {tenant.id}


async def test_a_leftover_of_a_deleted_database_is_deleted(memory: Memory, sales: Vended) -> None:
    await memory.delete(sales.database.id)
    await memory.provider.provision(sales.database.order(deriver))

    assert told(await found(memory)) == [(Upkeep.REMOVE, DONE)]
    assert await memory.tenant_ids() == set()


async def test_a_tombstone_frees_name_and_quota_and_is_removed_in_parts(
    memory: Memory, sales: Vended
) -> None:
    memory.provider.name_by_others(sales.database.id, 2)
    await memory.delete(sales.database.id)

    assert (await memory.registry.get(sales.database.id)).state is State.DELETED
    again = await vended(memory, sales.database.nickname.typed)
    assert again.names == sales.database.names
    [dry] = await memory.sweep()(dry_run=True)
    assert (dry.action, dry.outcome, dry.detail) == (Upkeep.REMOVE, WOULD, TOMBSTONE)
    [first] = await found(memory)
    assert (first.action, first.outcome) == (Upkeep.REMOVE, PART)
    assert first.detail == "Objects of others refer to it: 1."
    assert told(await found(memory)) == [(Upkeep.REMOVE, DONE)]
    assert await found(memory) == []
    assert await memory.tenant_ids() == {again.id}


async def test_a_database_dropped_on_the_server_is_marked_missing(memory: Memory) -> None:
    made, other = await vended(memory), await vended(memory, "Other")
    await lost(memory, made)

    assert told(await found(memory)) == [(Upkeep.FORGET, DONE)]

    assert (await memory.registry.get(made.id)).state is State.DELETED
    assert (await memory.registry.get(other.id)) == other
    await assert_in_line(memory)


async def test_the_record_follows_a_renamed_database(memory: Memory, sales: Vended) -> None:
    memory.provider._databases["renamed"] = memory.provider._databases.pop("sales")

    assert told(await found(memory)) == [(Upkeep.RENAME, DONE)]

    connection = (await memory.connect()(sales.database.id)).connection
    assert connection.database == "renamed"
    assert memory.provider.accepts(connection)
    await assert_in_line(memory)


@pytest.mark.parametrize("name", UNPLAIN, ids=ascii)
async def test_a_name_with_control_characters_is_reported_and_not_recorded(
    memory: Memory, sales: Vended, name: str
) -> None:
    memory.provider._databases[name] = memory.provider._databases.pop("sales")

    [finding] = await found(memory)

    assert told([finding]) == [(Upkeep.RENAME, TOLD)]
    assert finding.database == legible(name)
    assert "keeps the former name" in finding.detail
    assert await memory.only_record() == sales.database
    await memory.delete(sales.database.id)


@pytest.mark.parametrize("name", UNPLAIN, ids=ascii)
async def test_a_database_with_such_a_name_is_not_imported(memory: Memory, name: str) -> None:
    tenant = await unrecorded(memory)
    memory.provider._databases[name] = memory.provider._databases.pop(tenant.names.database)

    assert told(await found(memory)) == [(Upkeep.ADOPT, TOLD)]
    assert await memory.records() == []


@pytest.mark.parametrize("is_deleted", [False, True])
async def test_a_database_that_changes_meanwhile_is_not_touched(
    memory: Memory, is_deleted: bool
) -> None:
    """Between reading the records and reading the inventory, or after both."""
    made, _ = await vended(memory), await vended(memory, "Other")
    await lost(memory, made)
    tasks = await memory.detect_drift()()
    await memory.provider.provision(made.order(deriver))
    await (memory.deletion().request(made.id) if is_deleted else memory.rotate()(made.id))
    record = await memory.registry.get(made.id)

    assert [await task.run() for task in tasks if task.run] == [False]
    assert await memory.registry.get(made.id) == record
    assert made.id in await memory.tenant_ids()


class Behind(MemoryProvider):
    """Its first inventory lacks the newest database."""

    looks = 0

    async def inventory(self) -> Sequence[Holding]:
        self.looks += 1
        holdings = await super().inventory()
        return holdings[:-1] if self.looks == 1 else holdings


async def test_a_database_that_the_second_inventory_shows_is_not_missing(memory: Memory) -> None:
    memory.provider = Behind()
    both = [await vended(memory), await vended(memory, "Other")]
    memory.clock.moment += SETTLED

    assert told(await found(memory)) == []
    assert all(memory.lets_in(made) for made in both)


async def test_a_database_that_is_being_provisioned_is_not_drift(memory: Memory) -> None:
    seen: list[list[Finding]] = []

    async def comparing(moment: str) -> None:
        if moment in {"amid provision", "after provision"}:
            seen.append(await memory.sweep()())

    memory.trouble = comparing
    made = await vended(memory)

    assert seen == [[], []]
    assert memory.lets_in(made)


async def test_all_pages_of_records_are_compared(memory: Memory, sales: Vended) -> None:
    for _ in range(PAGE):
        await memory.registry.add(new_record(made=memory.clock.now() + GRACE))
    missing = await memory.registry.add(
        new_record("Missing", state=State.READY, made=memory.clock.now())
    )
    memory.clock.moment += SETTLED

    tasks = await memory.detect_drift()()

    assert [(task.action, task.id) for task in tasks] == [(Upkeep.FORGET, missing.id)]
    assert memory.lets_in(sales.database)

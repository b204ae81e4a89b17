"""Deletion: requested at once, finished later, both idempotent."""

import asyncio
from dataclasses import replace

import pytest

from adapters.memory.registry import MemoryRegistry
from domain.database import Database
from domain.errors import IllegalTransition
from domain.lifecycle import State, StepState
from ports.use_cases.delete_database import POLL_INTERVAL
from ports.use_cases.provisioned_database import ProvisionedDatabase
from tests.support.consistency import assert_consistent
from tests.support.memory_service import MemoryService
from tests.support.polling import wait_without_delay
from tests.support.records import new_record


class Restless(MemoryRegistry):
    """Changes every record right after it was read, that many times."""

    def __init__(self, changes: int) -> None:
        super().__init__()
        self._changes = changes

    async def get(self, database_id: str) -> Database:
        read = await super().get(database_id)
        if self._changes:
            self._changes -= 1
            self._store(replace(read, labels={"changes": str(self._changes)}))
        return read


@pytest.fixture
async def requested(memory: MemoryService, sales: ProvisionedDatabase) -> Database:
    return await memory.deletion().request(sales.database.id)


async def assert_deleted(memory: MemoryService) -> None:
    record = await memory.only_record()
    assert (record.state, record.steps[-1].state) == (State.DELETED, StepState.DONE)
    await assert_consistent(memory)


async def test_a_request_is_recorded_and_deletes_nothing(
    memory: MemoryService, requested: Database
) -> None:
    assert requested.state is State.DELETING
    assert (requested.steps[-1].name, requested.steps[-1].state) == ("delete", StepState.RUNNING)
    assert await memory.deletion().request(requested.id) == requested
    assert await memory.only_record() == requested
    assert await memory.tenant_ids() == {requested.id}


async def test_a_requested_deletion_is_finished(
    memory: MemoryService, sales: ProvisionedDatabase, requested: Database
) -> None:
    await memory.deletion().finish(requested.id)

    await assert_deleted(memory)
    assert not memory.provider.accepts(sales.connection)
    assert not await memory.deletion().finish(requested.id)
    assert await memory.deletion().request(requested.id) == await memory.only_record()


@pytest.mark.parametrize("is_at_work", [False, True])
async def test_a_database_is_not_deleted_without_a_request(
    memory: MemoryService, sales: ProvisionedDatabase, is_at_work: bool
) -> None:
    async with memory.leases.acquire(sales.database.id if is_at_work else "another"):
        await memory.deletion().finish(sales.database.id)
        await memory.deletion().wait_until_deleted(sales.database.id)

    assert memory.provider.accepts(sales.connection)
    assert await memory.only_record() == sales.database


@pytest.mark.parametrize(
    ("state", "after"), [(State.FAILED, State.FAILED), (State.EXPIRED, State.DELETING)]
)
async def test_an_expired_database_can_be_deleted_and_a_failed_one_stays(
    memory: MemoryService, state: State, after: State
) -> None:
    record = await memory.registry.add(new_record(state=state))

    requested = await memory.deletion().request(record.id)

    assert requested.state is after
    assert (requested == record) == (state is after)


async def test_a_request_survives_concurrent_changes() -> None:
    memory = MemoryService(registry=Restless(changes=3))
    database = await memory.registry.add(new_record())

    requested = await memory.deletion().request(database.id)

    assert requested.state is State.DELETING
    assert await memory.only_record() == requested
    assert requested.labels == {"changes": "0"}, "a change was lost"


async def test_a_deletion_without_other_operations_does_not_wait(
    memory: MemoryService, requested: Database
) -> None:
    await memory.deletion().wait_until_deleted(requested.id)
    assert memory.clock.slept == []
    await assert_deleted(memory)


async def test_a_deletion_waits_for_a_rotation(
    memory: MemoryService, sales: ProvisionedDatabase
) -> None:
    hold, rotating = await memory.hold("before rotate", memory.rotate()(sales.database.id))
    await memory.deletion().request(sales.database.id)
    delete = memory.replica().deletion()
    deleting = asyncio.create_task(delete.wait_until_deleted(sales.database.id))
    await wait_without_delay(lambda: len(memory.clock.slept) > 1)
    assert (await memory.only_record()).state is State.DELETING

    hold.let_go.set()
    with pytest.raises(IllegalTransition):
        await rotating
    await deleting

    assert set(memory.clock.slept) == {POLL_INTERVAL}
    await assert_deleted(memory)


async def test_a_deletion_that_another_replica_finishes_ends_the_wait(
    memory: MemoryService, requested: Database
) -> None:
    reconcile = memory.replica().reconcile()(drift=False)
    hold, reconciling = await memory.hold("before delete", reconcile)
    deleting = asyncio.create_task(memory.deletion().wait_until_deleted(requested.id))
    await wait_without_delay(lambda: bool(memory.clock.slept))

    hold.let_go.set()
    await asyncio.gather(reconciling, deleting)

    await assert_deleted(memory)

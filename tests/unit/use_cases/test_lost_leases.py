"""Late calls: their lease ended with the registry's server, and another replica took over."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, TypeVar

import pytest

from adapters.memory.provider import MemoryLoginCheck, no_fault
from domain.errors import IllegalTransition, InFlight, PgvendError, ProviderBusy, Unavailable
from domain.lifecycle import Operation, State
from domain.names import Nickname
from domain.provisioning import Tenant
from ports.use_cases.create_request import CreateRequest
from ports.use_cases.provisioned_database import ProvisionedDatabase
from tests.support.doubles import CrashAt, HoldAt
from tests.support.memory_faults import FaultyLoginCheck
from tests.support.memory_service import GRACE, HOUR, MemoryService
from tests.support.provision_requests import deriver

KEYED = CreateRequest(nickname="Sales", key="once")

T = TypeVar("T")


@asynccontextmanager
async def late_call(
    memory: MemoryService, moment: str, call: Coroutine[Any, Any, T]
) -> AsyncIterator[tuple[asyncio.Task[T], MemoryService]]:
    """Start the call, hold it at that moment, and let it go on after the body. Yield its task, and
    another replica, which can acquire its lease."""
    hold, task = await memory.hold(moment, call)
    memory.fault_hook = no_fault
    yield task, memory.restarted()
    hold.let_go.set()


@pytest.mark.parametrize("moment", ["before provision", "after provision"])
async def test_a_request_that_another_replica_finished_is_to_be_retried(
    memory: MemoryService, moment: str
) -> None:
    async with late_call(memory, moment, memory.create_database()(KEYED)) as (late, replica):
        other = await replica.create_database()(KEYED)

    with pytest.raises(InFlight):
        await late
    assert memory.provider.accepts(other.connection), "the late call set its older password"
    assert await memory.create_database()(KEYED) == other
    assert await memory.tenant_ids() == {other.database.id}


async def test_a_request_that_another_replica_undid_is_to_be_retried(memory: MemoryService) -> None:
    async with late_call(memory, "after provision", memory.create()) as (late, replica):
        await replica.reconcile()()

    with pytest.raises(Unavailable):
        await late
    assert (await memory.only_record()).state is State.FAILED
    assert await memory.tenant_ids() == set()


async def test_a_request_does_not_undo_what_another_replica_finishes(memory: MemoryService) -> None:
    hold = HoldAt("verify")
    check = FaultyLoginCheck(MemoryLoginCheck(memory.provider), hold)
    creation = memory.create_database()(KEYED)
    async with late_call(memory, "after provision", creation) as (late, replica):
        finishing = asyncio.create_task(replica.create_database(login_check=check)(KEYED))
        await hold.wait_until_held()

    with pytest.raises(InFlight):
        await late
    hold.let_go.set()
    assert (await finishing).database.state is State.READY


async def test_a_late_creation_that_fails_does_not_set_its_password(memory: MemoryService) -> None:
    creation = memory.create_database()(KEYED)
    async with late_call(memory, "before provision", creation) as (late, replica):
        other = await replica.create_database()(KEYED)
        memory.fault_hook = CrashAt("after provision", ProviderBusy())

    with pytest.raises(PgvendError):
        await late
    assert memory.provider.accepts(other.connection)


async def test_a_late_creation_does_not_open_an_expired_database(memory: MemoryService) -> None:
    request = replace(KEYED, ttl=HOUR)
    creation = memory.create_database()(request)
    async with late_call(memory, "before provision", creation) as (late, replica):
        draft = await memory.only_record()
        await replica.create_database()(request)
        replica.clock.moment += HOUR
        await replica.reconcile(GRACE)()

    with pytest.raises(InFlight):
        await late
    assert (await memory.only_record()).state is State.EXPIRED
    connection = await memory.provider.reveal(draft.to_provision_request(memory.passwords))
    assert not memory.provider.accepts(connection)


async def test_a_late_creation_does_not_delete_what_another_replica_finished(
    memory: MemoryService,
) -> None:
    """It found the name in use, and deletes what it has created under it."""
    await memory.occupy("Sales")
    creation = memory.create_database()(KEYED)
    async with late_call(memory, "before delete", creation) as (late, replica):
        await memory.provider.delete(Tenant("stranger", Nickname("Sales").derive_names()))
        other = await replica.create_database()(KEYED)

    with pytest.raises(InFlight):
        await late
    assert memory.provider.accepts(other.connection)


async def test_a_late_claim_does_not_delete_what_another_replica_finished(
    pooled: MemoryService,
) -> None:
    """A spare that is broken is deleted, before a database of its id is provisioned."""
    spare = (await pooled.spares())[0]
    del pooled.provider._databases[spare.names.database]
    creation = pooled.create_database()(KEYED)
    async with late_call(pooled, "before delete", creation) as (late, replica):
        other = await replica.create_database()(KEYED)

    with pytest.raises(InFlight):
        await late
    assert other.database.id == spare.id
    assert pooled.provider.accepts(other.connection)


async def test_a_late_rotation_does_not_bring_an_older_password_back(
    memory: MemoryService, sales: ProvisionedDatabase
) -> None:
    rotation = memory.rotate()(sales.database.id)
    async with late_call(memory, "before rotate", rotation) as (late, replica):
        await replica.rotate()(sales.database.id)  # finishes the same rotation
        latest = await replica.rotate()(sales.database.id)

    assert (await late).connection == latest.connection
    assert memory.provider.accepts(latest.connection)
    assert (await memory.only_record()).rotation == latest.database.rotation


async def test_a_late_rotation_that_fails_does_not_set_its_password(
    memory: MemoryService, sales: ProvisionedDatabase
) -> None:
    rotation = memory.rotate()(sales.database.id)
    async with late_call(memory, "before rotate", rotation) as (late, replica):
        await replica.rotate()(sales.database.id)
        latest = await replica.rotate()(sales.database.id)
        memory.fault_hook = CrashAt("after rotate", ProviderBusy())

    with pytest.raises(ProviderBusy):
        await late
    assert memory.provider.accepts(latest.connection)


async def test_a_late_rotation_does_not_complete_the_next_one(
    memory: MemoryService, sales: ProvisionedDatabase
) -> None:
    rotation = memory.rotate()(sales.database.id)
    async with late_call(memory, "before rotate", rotation) as (late, replica):
        await replica.rotate()(sales.database.id)
        await memory.interrupt("before rotate", replica.rotate()(sales.database.id))
        memory.fault_hook = CrashAt("before rotate", ProviderBusy())

    with pytest.raises(ProviderBusy):
        await late
    assert (await memory.only_record()).is_pending(Operation.ROTATE)


async def test_a_late_suspension_does_not_close_a_restored_database(
    memory: MemoryService, hourly: ProvisionedDatabase
) -> None:
    memory.clock.moment += HOUR
    suspension = memory.expire(GRACE).finish(hourly.database.id)
    async with late_call(memory, "before suspend", suspension) as (late, replica):
        restored = await replica.restore()(hourly.database.id)

    await late
    assert memory.provider.accepts(restored.connection)
    assert await memory.only_record() == restored.database


async def test_a_late_restoration_does_not_bring_an_older_password_back(
    memory: MemoryService, expired: ProvisionedDatabase
) -> None:
    restoration = memory.restore()(expired.database.id)
    async with late_call(memory, "before provision", restoration) as (late, replica):
        await replica.restore()(expired.database.id)
        latest = await replica.rotate()(expired.database.id)

    with pytest.raises(IllegalTransition, match="is ready"):
        await late
    assert memory.provider.accepts(latest.connection)


async def test_a_late_restoration_does_not_open_a_database_that_expired_again(
    memory: MemoryService, expired: ProvisionedDatabase
) -> None:
    restoration = memory.restore()(expired.database.id)
    async with late_call(memory, "before provision", restoration) as (late, replica):
        record = await memory.only_record()
        await memory.registry.update(replace(record, expires_at=memory.clock.now()))
        await replica.expire(GRACE).finish(record.id)

    with pytest.raises(InFlight):
        await late
    record = await memory.only_record()
    assert record.state is State.EXPIRED
    assert not memory.accepts_login(record)


async def test_a_late_restoration_does_not_delay_the_one_of_another_replica(
    memory: MemoryService, expired: ProvisionedDatabase
) -> None:
    restoration = memory.restore()(expired.database.id)
    async with late_call(memory, "before provision", restoration) as (late, _):
        record = await memory.only_record()
        await memory.registry.update(record.with_new_password(deriver, "ab" * 16))

    with pytest.raises(InFlight):
        await late
    record = await memory.only_record()
    assert record.is_pending(Operation.RESTORE)
    assert not record.is_failed(Operation.RESTORE)


async def test_a_late_export_does_not_begin_on_a_restored_database(
    memory: MemoryService, expired: ProvisionedDatabase
) -> None:
    memory.clock.moment += GRACE
    record = (await memory.only_record()).start(Operation.EXPORT, memory.clock.now())
    await memory.registry.update(record)
    async with late_call(memory, "before export", memory.export(GRACE)(record.id)) as (
        late,
        replica,
    ):
        await replica.restore()(record.id)
        memory.fault_hook = CrashAt("after export", AssertionError())

    assert await late is None


async def test_a_late_deletion_of_a_leftover_spares_a_database_that_was_recorded(
    memory: MemoryService, sales: ProvisionedDatabase
) -> None:
    await memory.delete(sales.database.id)
    await memory.provider.provision(sales.database.to_provision_request(deriver))
    [task] = await memory.detect_drift()()

    async def delete_leftover() -> bool | str:
        assert task.run
        return await task.run()

    async with late_call(memory, "before delete", delete_leftover()) as (late, _):
        gone = await memory.only_record()
        await memory.registry.update(replace(gone, state=State.READY))

    assert not await late
    assert memory.provider.accepts(sales.connection)

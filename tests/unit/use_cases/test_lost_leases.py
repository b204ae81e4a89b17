"""Calls whose lease ended with the registry's server, and whose work another replica continued."""

from dataclasses import replace

import pytest

from adapters.memory.provider import no_fault
from domain.errors import IllegalTransition, InFlight, PgvendError, ProviderBusy
from domain.lifecycle import Operation, State
from domain.names import Nickname
from domain.provisioning import Tenant
from ports.use_cases.create_request import CreateRequest
from ports.use_cases.provisioned_database import ProvisionedDatabase
from tests.support.doubles import CrashAt
from tests.support.memory_service import GRACE, MemoryService
from tests.support.provision_requests import deriver

KEYED = CreateRequest(nickname="Sales", key="once")


async def test_a_late_creation_that_fails_does_not_set_its_password(memory: MemoryService) -> None:
    hold, late = await memory.hold("before provision", memory.create_database()(KEYED))
    memory.fault_hook = no_fault
    other = await memory.restarted().create_database()(KEYED)

    memory.fault_hook = CrashAt("after provision", ProviderBusy())
    hold.let_go.set()
    with pytest.raises(PgvendError):
        await late

    assert memory.provider.accepts(other.connection)


async def test_a_late_creation_does_not_delete_what_another_replica_finished(
    memory: MemoryService,
) -> None:
    """The late call found the name in use, and deletes what it has created under it."""
    await memory.occupy("Sales")
    hold, late = await memory.hold("before delete", memory.create_database()(KEYED))
    memory.fault_hook = no_fault
    await memory.provider.delete(Tenant("stranger", Nickname("Sales").derive_names()))
    other = await memory.restarted().create_database()(KEYED)

    hold.let_go.set()
    with pytest.raises(InFlight):
        await late

    assert memory.provider.accepts(other.connection)


async def test_a_late_claim_does_not_delete_what_another_replica_finished(
    pooled: MemoryService,
) -> None:
    """A spare that is broken is deleted, before a database of its id is provisioned."""
    spare = (await pooled.spares())[0]
    del pooled.provider._databases[spare.names.database]
    hold, late = await pooled.hold("before delete", pooled.create_database()(KEYED))
    pooled.fault_hook = no_fault
    other = await pooled.restarted().create_database()(KEYED)

    hold.let_go.set()
    with pytest.raises(InFlight):
        await late

    assert other.database.id == spare.id
    assert pooled.provider.accepts(other.connection)


async def test_a_late_suspension_does_not_close_a_restored_database(
    memory: MemoryService, hourly: ProvisionedDatabase
) -> None:
    memory.clock.moment += GRACE / 2
    hold, late = await memory.hold(
        "before suspend", memory.expire(GRACE).finish(hourly.database.id)
    )
    memory.fault_hook = no_fault
    restored = await memory.restarted().restore()(hourly.database.id)

    hold.let_go.set()
    await late

    assert memory.provider.accepts(restored.connection)
    assert await memory.only_record() == restored.database


async def test_a_late_restoration_does_not_bring_an_older_password_back(
    memory: MemoryService, expired: ProvisionedDatabase
) -> None:
    hold, late = await memory.hold("before provision", memory.restore()(expired.database.id))
    memory.fault_hook = no_fault
    other = memory.restarted()
    await other.restore()(expired.database.id)
    latest = await other.rotate()(expired.database.id)

    hold.let_go.set()
    with pytest.raises(IllegalTransition, match="is ready"):
        await late

    assert memory.provider.accepts(latest.connection)


async def test_a_late_restoration_does_not_open_a_database_that_expired_again(
    memory: MemoryService, expired: ProvisionedDatabase
) -> None:
    hold, late = await memory.hold("before provision", memory.restore()(expired.database.id))
    memory.fault_hook = no_fault
    memory.clock.moment += GRACE / 2
    other = memory.restarted()
    record = await memory.only_record()
    await memory.registry.update(replace(record, expires_at=memory.clock.now()))
    await other.expire(GRACE).finish(record.id)

    hold.let_go.set()
    with pytest.raises(InFlight):
        await late

    record = await memory.only_record()
    assert (record.state, record.is_failed(Operation.RESTORE)) == (State.EXPIRED, False)
    assert not memory.accepts_login(record)


async def test_a_late_restoration_does_not_delay_the_one_of_another_replica(
    memory: MemoryService, expired: ProvisionedDatabase
) -> None:
    hold, late = await memory.hold("before provision", memory.restore()(expired.database.id))
    memory.fault_hook = no_fault
    record = await memory.only_record()
    await memory.registry.update(record.with_new_password(deriver, "ab" * 16))

    hold.let_go.set()
    with pytest.raises(InFlight):
        await late

    record = await memory.only_record()
    assert record.is_pending(Operation.RESTORE)
    assert not record.is_failed(Operation.RESTORE)


async def test_a_late_deletion_of_a_leftover_spares_a_database_that_was_recorded(
    memory: MemoryService, sales: ProvisionedDatabase
) -> None:
    await memory.delete(sales.database.id)
    await memory.provider.provision(sales.database.to_provision_request(deriver))
    [task] = await memory.detect_drift()()

    async def delete_leftover() -> bool | str:
        assert task.run
        return await task.run()

    hold, late = await memory.hold("before delete", delete_leftover())
    gone = await memory.only_record()
    await memory.registry.update(replace(gone, state=State.READY))

    hold.let_go.set()

    assert not await late
    assert memory.provider.accepts(sales.connection)

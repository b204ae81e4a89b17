"""Expiry: suspended for the grace period, then deleted."""

from datetime import timedelta

import pytest

from adapters.system.leases import InProcessLeases
from domain.database import Database
from domain.errors import ProviderBusy
from domain.lifecycle import Operation, State, StepState
from ports.use_cases.provisioned_database import ProvisionedDatabase
from tests.support.consistency import assert_consistent, settle
from tests.support.doubles import FailAt
from tests.support.memory_service import GRACE, HOUR, NO_GRACE, MemoryService

MOMENT = timedelta(microseconds=1)


@pytest.fixture
async def past_expiry(memory: MemoryService, hourly: ProvisionedDatabase) -> ProvisionedDatabase:
    """A database whose expiry has just passed, not suspended yet."""
    memory.clock.moment += HOUR
    return hourly


async def assert_deleted(memory: MemoryService) -> None:
    assert (await memory.only_record()).state is State.DELETED
    assert await memory.tenant_ids() == set()


async def test_an_expired_database_refuses_logins(
    memory: MemoryService, expired: ProvisionedDatabase
) -> None:
    record = await memory.only_record()
    assert not memory.provider.accepts(expired.connection)
    assert await memory.tenant_ids() == {record.id}
    assert record.state is State.EXPIRED
    assert (record.steps[-1].name, record.steps[-1].state) == ("suspend", StepState.DONE)
    assert record.wake_at == memory.clock.now() + GRACE


async def test_an_expired_database_is_kept_for_the_grace_period(
    memory: MemoryService, expired: ProvisionedDatabase
) -> None:
    record = await memory.only_record()
    memory.clock.moment += GRACE - MOMENT

    assert not await memory.expire(GRACE).finish(expired.database.id)

    assert await memory.only_record() == record
    assert await memory.tenant_ids() == {record.id}
    assert (await memory.create()).connection.database != expired.connection.database


@pytest.mark.parametrize(
    ("grace", "was_seen"),
    [(GRACE, True), (GRACE, False), (NO_GRACE, False)],
    ids=["expired", "nobody-saw-to-it", "no-grace"],
)
async def test_a_database_is_deleted_after_the_grace_period(
    memory: MemoryService, past_expiry: ProvisionedDatabase, grace: timedelta, was_seen: bool
) -> None:
    if was_seen:
        await memory.expire(grace).finish(past_expiry.database.id)
    memory.clock.moment += grace

    assert await memory.expire(grace).finish(past_expiry.database.id)

    await assert_deleted(memory)


async def interrupt_restoration(memory: MemoryService, database_id: str) -> Database:
    """Request a restoration that the provider cannot perform."""
    await memory.interrupt("before provision", memory.restore()(database_id, 5 * HOUR))
    return await memory.only_record()


@pytest.mark.parametrize("suspending", [[], [ProviderBusy()]], ids=["suspended", "not-suspended"])
async def test_an_expiry_found_before_a_restoration_does_nothing(
    memory: MemoryService, past_expiry: ProvisionedDatabase, suspending: list[ProviderBusy]
) -> None:
    memory.fault_hook = FailAt({"before suspend": [*suspending]})
    await memory.reconcile(GRACE)()
    restoring = await interrupt_restoration(memory, past_expiry.database.id)

    assert not await memory.expire(GRACE).finish(past_expiry.database.id)
    assert await memory.only_record() == restoring

    await settle(memory, GRACE)
    assert restoring.expires_at
    assert memory.clock.now() < restoring.expires_at
    assert memory.accepts_login(await memory.only_record())
    await assert_consistent(memory, GRACE)


async def test_a_late_suspension_does_not_delay_a_restoration(
    memory: MemoryService, past_expiry: ProvisionedDatabase
) -> None:
    """Its process lost the lease, and another replica acquired it."""
    finish = memory.expire(GRACE).finish(past_expiry.database.id)
    hold, late = await memory.hold("after suspend", finish)
    memory.leases = InProcessLeases()
    restoring = await interrupt_restoration(memory, past_expiry.database.id)

    hold.let_go.set()
    await late

    assert await memory.only_record() == restoring
    await settle(memory, GRACE)
    record = await memory.only_record()
    assert (record.state, record.is_pending(Operation.SUSPEND)) == (State.READY, False)
    assert memory.accepts_login(record)

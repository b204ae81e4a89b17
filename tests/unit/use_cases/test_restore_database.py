"""Restoration of an expired database."""

from dataclasses import replace
from datetime import timedelta

import pytest

from domain.errors import InFlight, InvalidDuration
from domain.expiry import ExpiryPolicy
from domain.lifecycle import Operation, State, StepState
from ports.use_cases.provisioned_database import ProvisionedDatabase
from tests.support.memory_service import GRACE, HOUR, MemoryService


async def test_a_restored_database_accepts_logins(
    memory: MemoryService, expired: ProvisionedDatabase
) -> None:
    restored = await memory.restore()(expired.database.id)

    record = restored.database
    assert restored.connection == expired.connection
    assert memory.provider.accepts(expired.connection)
    assert (record.state, record.is_idle) == (State.READY, True)
    assert (record.steps[-1].name, record.steps[-1].state) == ("restore", StepState.DONE)
    assert await memory.only_record() == record
    assert not await memory.restore().finish(record.id), "it was restored again"
    assert await memory.only_record() == record


@pytest.mark.parametrize(
    ("ttl", "length"), [(None, 5 * HOUR), (2 * HOUR, 2 * HOUR)], ids=["default", "asked-for"]
)
async def test_a_restored_database_gets_a_new_expiry(
    memory: MemoryService, expired: ProvisionedDatabase, ttl: timedelta | None, length: timedelta
) -> None:
    memory.expiry = ExpiryPolicy(default=5 * HOUR)
    memory.clock.moment += HOUR

    restored = (await memory.restore()(expired.database.id, ttl)).database

    assert restored.expires_at == restored.wake_at == memory.clock.now() + length


async def test_a_ttl_out_of_bounds_is_refused(
    memory: MemoryService, expired: ProvisionedDatabase
) -> None:
    memory.expiry = ExpiryPolicy(max_ttl=2 * HOUR)
    record = await memory.only_record()

    with pytest.raises(InvalidDuration):
        await memory.restore()(expired.database.id, 3 * HOUR)

    assert await memory.only_record() == record


async def test_a_restoration_completes_a_pending_rotation(
    memory: MemoryService, hourly: ProvisionedDatabase
) -> None:
    await memory.interrupt("before rotate", memory.rotate()(hourly.database.id))
    memory.clock.moment += HOUR
    await memory.expire(GRACE).finish(hourly.database.id)

    restored = await memory.restore()(hourly.database.id)

    assert restored.database.rotation == 1
    assert restored.connection.password != hourly.connection.password
    assert memory.provider.accepts(restored.connection)
    assert restored.database.is_idle


async def test_a_password_that_cannot_be_checked_is_replaced(
    memory: MemoryService, expired: ProvisionedDatabase
) -> None:
    """So is a password of a registry's backup that a later rotation revoked."""
    unchecked = replace(memory.restore(), login_check=None)

    restored = await unchecked(expired.database.id)

    assert not memory.provider.accepts(expired.connection)
    assert memory.provider.accepts(restored.connection)


async def test_a_database_whose_suspension_failed_can_be_restored(
    memory: MemoryService, hourly: ProvisionedDatabase
) -> None:
    memory.clock.moment += HOUR
    await memory.interrupt("after suspend", memory.expire(GRACE).finish(hourly.database.id))

    restored = await memory.restore()(hourly.database.id)

    assert memory.provider.accepts(restored.connection)
    assert not any(map(restored.database.is_pending, Operation))


async def test_a_database_that_is_expiring_can_be_restored_soon(
    memory: MemoryService, hourly: ProvisionedDatabase
) -> None:
    memory.clock.moment += HOUR
    with pytest.raises(InFlight, match="expiring now"):
        await memory.restore()(hourly.database.id)

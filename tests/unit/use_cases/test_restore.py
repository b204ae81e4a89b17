"""An expired database, taken back before it is dropped."""

from dataclasses import replace
from datetime import timedelta

import pytest

from domain.errors import InFlight, InvalidDuration
from domain.expiry import ExpiryPolicy
from domain.states import State
from domain.steps import StepState, Work
from ports.driving.vended import Vended
from tests.support.vending import GRACE, HOUR, Memory


async def test_what_is_restored_lets_its_tenant_in(memory: Memory, expired: Vended) -> None:
    restored = await memory.restore()(expired.database.id)

    record = restored.database
    assert restored.connection == expired.connection
    assert memory.provider.accepts(expired.connection)
    assert (record.state, record.is_at_rest) == (State.READY, True)
    assert (record.steps[-1].name, record.steps[-1].state) == ("restore", StepState.DONE)
    assert await memory.only_record() == record
    assert not await memory.restore().finish(record.id), "it was done again"
    assert await memory.only_record() == record


@pytest.mark.parametrize(
    ("ttl", "length"), [(None, 5 * HOUR), (2 * HOUR, 2 * HOUR)], ids=["default", "asked-for"]
)
async def test_its_end_is_counted_anew(
    memory: Memory, expired: Vended, ttl: timedelta | None, length: timedelta
) -> None:
    memory.expiry = ExpiryPolicy(default=5 * HOUR)
    memory.clock.moment += HOUR

    restored = (await memory.restore()(expired.database.id, ttl)).database

    assert restored.expires_at == restored.wake_at == memory.clock.now() + length


async def test_an_end_beyond_the_bounds_is_refused(memory: Memory, expired: Vended) -> None:
    memory.expiry = ExpiryPolicy(longest=2 * HOUR)
    record = await memory.only_record()

    with pytest.raises(InvalidDuration):
        await memory.restore()(expired.database.id, 3 * HOUR)

    assert await memory.only_record() == record


async def test_a_pending_rotation_comes_with_it(memory: Memory, hourly: Vended) -> None:
    await memory.interrupt("before rotate", memory.rotate()(hourly.database.id))
    memory.clock.moment += HOUR
    await memory.expire(GRACE).finish(hourly.database.id)

    restored = await memory.restore()(hourly.database.id)

    assert restored.database.rotation == 1
    assert restored.connection.password != hourly.connection.password
    assert memory.provider.accepts(restored.connection)
    assert restored.database.is_at_rest


async def test_a_password_that_cannot_be_checked_is_replaced(
    memory: Memory, expired: Vended
) -> None:
    """As is one that the registry's backup remembers, and a rotation has revoked since."""
    unchecked = replace(memory.restore(), login_check=None)

    restored = await unchecked(expired.database.id)

    assert not memory.provider.accepts(expired.connection)
    assert memory.provider.accepts(restored.connection)


async def test_what_could_not_be_frozen_yet_can_be_restored(memory: Memory, hourly: Vended) -> None:
    memory.clock.moment += HOUR
    await memory.interrupt("after suspend", memory.expire(GRACE).finish(hourly.database.id))

    restored = await memory.restore()(hourly.database.id)

    assert memory.provider.accepts(restored.connection)
    assert not any(map(restored.database.is_pending, Work))


async def test_what_expires_at_this_moment_is_restored_soon(memory: Memory, hourly: Vended) -> None:
    memory.clock.moment += HOUR
    with pytest.raises(InFlight, match="expiring now"):
        await memory.restore()(hourly.database.id)

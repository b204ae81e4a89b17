"""An expired database, taken back before it is dropped."""

import asyncio
from datetime import timedelta

import pytest

from domain.errors import (
    DatabaseNotFound,
    IllegalTransition,
    InFlight,
    InvalidDuration,
    ProviderBusy,
)
from domain.expiry import ExpiryPolicy
from domain.states import State
from domain.steps import StepState, Work
from ports.driving.vend import VendRequest
from ports.driving.vended import Vended
from tests.support.aftermath import assert_in_line, settle
from tests.support.doubles import Fails, Holds
from tests.support.orders import deriver
from tests.support.records import new_record
from tests.support.vending import Memory

HOUR = timedelta(hours=1)
GRACE = timedelta(days=3)
MOMENTS = ["before provision", "amid provision", "after provision"]


async def expired(memory: Memory) -> Vended:
    made = await memory.vend()(VendRequest(nickname="Sales", ttl=HOUR))
    memory.clock.moment += HOUR
    await memory.expire(GRACE).finish(made.database.id)
    return made


async def interrupted(memory: Memory, database_id: str, moment: str) -> None:
    memory.trouble = Fails({moment: [ProviderBusy("Not now.")]})
    with pytest.raises(ProviderBusy):
        await memory.restore()(database_id, HOUR)


async def test_what_is_restored_lets_its_tenant_in_as_before() -> None:
    made = await expired(memory := Memory())

    restored = await memory.restore()(made.database.id)

    assert restored.connection == made.connection
    assert memory.provider.accepts(made.connection)


async def test_the_record_is_ready_again_and_tells_of_it() -> None:
    made = await expired(memory := Memory())

    restored = (await memory.restore()(made.database.id)).database

    assert (restored.state, restored.is_at_rest) == (State.READY, True)
    assert (restored.steps[-1].name, restored.steps[-1].state) == ("restore", StepState.DONE)
    assert await memory.only_record() == restored


async def test_its_new_end_is_counted_from_now() -> None:
    made = await expired(memory := Memory())
    memory.clock.moment += HOUR

    restored = (await memory.restore()(made.database.id, 2 * HOUR)).database

    assert restored.expires_at == restored.wake_at == memory.clock.now() + 2 * HOUR


async def test_the_operator_decides_on_an_end_that_nobody_asked_for() -> None:
    made = await expired(memory := Memory(expiry=ExpiryPolicy(default=5 * HOUR)))

    restored = (await memory.restore()(made.database.id)).database

    assert restored.expires_at == memory.clock.now() + 5 * HOUR


async def test_an_end_beyond_the_bounds_is_refused_and_changes_nothing() -> None:
    made = await expired(memory := Memory(expiry=ExpiryPolicy(longest=2 * HOUR)))
    record = await memory.only_record()

    with pytest.raises(InvalidDuration):
        await memory.restore()(made.database.id, 3 * HOUR)

    assert await memory.only_record() == record


async def test_what_is_restored_ends_again() -> None:
    made = await expired(memory := Memory())
    await memory.restore()(made.database.id, HOUR)
    memory.clock.moment += HOUR

    assert await memory.expire(GRACE).finish(made.database.id)

    assert not memory.provider.accepts(made.connection)
    assert (await memory.only_record()).state is State.EXPIRED


async def test_a_rotation_that_was_cut_off_before_the_end_has_come_with_it() -> None:
    made = await memory_with_pending_rotation(memory := Memory())

    restored = await memory.restore()(made.database.id)

    assert restored.connection.password == deriver(made.database.id, 1)
    assert memory.provider.accepts(restored.connection)
    assert restored.database.is_at_rest


async def memory_with_pending_rotation(memory: Memory) -> Vended:
    made = await memory.vend()(VendRequest(nickname="Sales", ttl=HOUR))
    memory.trouble = Fails({"before rotate": [ProviderBusy()]})
    with pytest.raises(ProviderBusy):
        await memory.rotate()(made.database.id)
    memory.clock.moment += HOUR
    await memory.expire(GRACE).finish(made.database.id)
    return made


async def test_what_could_not_be_frozen_yet_can_be_restored() -> None:
    made = await memory_half_frozen(memory := Memory())

    restored = await memory.restore()(made.database.id)

    assert memory.provider.accepts(restored.connection)
    assert not any(map(restored.database.is_pending, Work))


async def memory_half_frozen(memory: Memory) -> Vended:
    made = await memory.vend()(VendRequest(nickname="Sales", ttl=HOUR))
    memory.clock.moment += HOUR
    memory.trouble = Fails({"after suspend": [ProviderBusy()]})
    with pytest.raises(ProviderBusy):
        await memory.expire(GRACE).finish(made.database.id)
    return made


@pytest.mark.parametrize("state", sorted(set(State) - {State.EXPIRED}))
async def test_only_what_has_expired_is_restored(state: State) -> None:
    memory = Memory()
    record = await memory.registry.add(new_record(state=state))

    with pytest.raises(IllegalTransition, match=f"is {state}; only an expired one"):
        await memory.restore()(record.id)

    assert await memory.only_record() == record


async def test_an_unknown_database_is_not_found() -> None:
    with pytest.raises(DatabaseNotFound):
        await Memory().restore()("db_unknown")


@pytest.mark.parametrize("moment", MOMENTS)
async def test_a_restore_that_failed_is_told_with_its_reason(moment: str) -> None:
    made = await expired(memory := Memory())

    await interrupted(memory, made.database.id, moment)

    record = await memory.only_record()
    assert (record.state, record.steps[-1].error) == (State.EXPIRED, "Not now.")


@pytest.mark.parametrize("moment", MOMENTS)
async def test_a_restore_that_failed_is_finished_by_the_next_call(moment: str) -> None:
    made = await expired(memory := Memory())
    await interrupted(memory, made.database.id, moment)

    restored = await memory.restore()(made.database.id, 2 * HOUR)

    assert memory.provider.accepts(restored.connection)
    assert restored.database.expires_at == memory.clock.now() + 2 * HOUR


@pytest.mark.parametrize("moment", MOMENTS)
async def test_a_restore_that_failed_is_finished_by_the_sweep(moment: str) -> None:
    made = await expired(memory := Memory())
    await interrupted(memory, made.database.id, moment)

    await settle(memory, GRACE)

    assert (await memory.only_record()).state is State.READY
    assert memory.provider.accepts(made.connection)
    await assert_in_line(memory, GRACE)


async def test_what_is_finished_is_not_done_again() -> None:
    made = await expired(memory := Memory())
    restored = await memory.restore()(made.database.id)

    assert not await memory.restore().finish(made.database.id)
    assert await memory.only_record() == restored.database


async def test_of_two_who_restore_at_once_one_is_told_to_wait() -> None:
    made = await expired(memory := Memory())
    memory.trouble = hold = Holds("before provision")
    restoring = asyncio.create_task(memory.restore()(made.database.id))
    await hold.arrival()

    with pytest.raises(InFlight):
        await memory.replica().restore()(made.database.id)
    assert not await memory.replica().restore().finish(made.database.id)

    hold.let_go.set()
    assert memory.provider.accepts((await restoring).connection)


@pytest.mark.parametrize("moment", MOMENTS)
async def test_a_deletion_that_comes_amid_a_restore_wins(moment: str) -> None:
    made = await expired(memory := Memory())
    memory.trouble = hold = Holds(moment)
    restoring = asyncio.create_task(memory.restore()(made.database.id))
    await hold.arrival()

    await memory.retire().promise(made.database.id)
    hold.let_go.set()

    with pytest.raises(IllegalTransition):
        await restoring
    await settle(memory, GRACE)
    assert (await memory.only_record()).state is State.RETIRED
    assert await memory.held() == set()

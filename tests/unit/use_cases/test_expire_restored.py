"""The end of a database that is on its way back meanwhile: its restore counts."""

import asyncio
from datetime import timedelta

import pytest

from adapters.memory.leases import MemoryLeases
from domain.database import Database
from domain.errors import ProviderBusy
from domain.states import State
from domain.steps import Work
from ports.driving.vend import VendRequest
from tests.support.aftermath import assert_in_line, settle
from tests.support.doubles import Fails, Holds
from tests.support.vending import Memory

HOUR = timedelta(hours=1)
GRACE = timedelta(days=1)


async def over(memory: Memory) -> Database:
    made = await memory.vend()(VendRequest(nickname="Sales", ttl=HOUR))
    memory.clock.moment += HOUR
    return made.database


async def half_restored(memory: Memory, database: Database) -> Database:
    """A restore that was promised, and that the provider could not take."""
    memory.trouble = Fails({"before provision": [ProviderBusy()]})
    with pytest.raises(ProviderBusy):
        await memory.restore()(database.id, 5 * HOUR)
    return await memory.registry.get(database.id)


@pytest.mark.parametrize("suspending", [[], [ProviderBusy()]], ids=["frozen", "not frozen"])
async def test_an_end_that_was_found_before_the_restore_does_nothing(
    suspending: list[ProviderBusy],
) -> None:
    memory = Memory(trouble=Fails({"before suspend": [*suspending]}))
    made = await over(memory)
    await memory.sweep(GRACE)()
    restoring = await half_restored(memory, made)

    assert not await memory.expire(GRACE).finish(made.id)

    assert await memory.only_record() == restoring


async def test_a_restore_that_was_promised_is_kept_in_time() -> None:
    memory = Memory(trouble=Fails({"before suspend": [ProviderBusy()]}))
    made = await over(memory)
    await memory.sweep(GRACE)()
    restoring = await half_restored(memory, made)
    await memory.expire(GRACE).finish(made.id)

    await settle(memory, GRACE)

    assert restoring.expires_at
    assert memory.clock.now() < restoring.expires_at
    assert memory.lets_in(await memory.only_record())
    await assert_in_line(memory, GRACE)


async def test_a_freeze_that_ends_after_the_restore_began_does_not_put_it_off() -> None:
    """Its lease was lost, and another replica got it."""
    made = await over(memory := Memory())
    memory.trouble = hold = Holds("after suspend")
    late = asyncio.create_task(memory.expire(GRACE).finish(made.id))
    await hold.arrival()
    memory.leases = MemoryLeases()
    restoring = await half_restored(memory, made)

    hold.let_go.set()
    await late

    assert await memory.only_record() == restoring
    await settle(memory, GRACE)
    assert (await memory.only_record()).state is State.READY
    assert not (await memory.only_record()).is_pending(Work.SUSPEND)
    assert memory.lets_in(await memory.only_record())

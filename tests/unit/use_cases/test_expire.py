"""The end of a database whose time has come: frozen for the time of grace, then dropped."""

import asyncio
from datetime import timedelta

import pytest

from domain.errors import ProviderBusy
from domain.states import State
from domain.steps import StepState, Work
from ports.driving.vend import VendRequest
from ports.driving.vended import Vended
from tests.support.aftermath import settle
from tests.support.doubles import Fails, Holds
from tests.support.vending import Memory

HOUR = timedelta(hours=1)
GRACE = timedelta(days=3)
MOMENT = timedelta(microseconds=1)


async def vended(memory: Memory, ttl: timedelta | None = HOUR) -> Vended:
    return await memory.vend()(VendRequest(nickname="Sales", ttl=ttl))


async def expired(memory: Memory) -> Vended:
    """At the moment of its end."""
    made = await vended(memory)
    memory.clock.moment += HOUR
    await memory.expire(GRACE).finish(made.database.id)
    return made


async def test_nothing_ends_before_its_time() -> None:
    made = await vended(memory := Memory())
    memory.clock.moment += HOUR - MOMENT

    assert not await memory.expire(GRACE).finish(made.database.id)
    assert await memory.only_record() == made.database
    assert memory.provider.accepts(made.connection)


async def test_what_has_no_end_never_ends() -> None:
    made = await vended(memory := Memory(), ttl=None)
    memory.clock.moment += timedelta(days=10_000)

    assert not await memory.expire(GRACE).finish(made.database.id)
    assert memory.provider.accepts(made.connection)


async def test_at_its_end_a_database_lets_nobody_in_and_is_still_there() -> None:
    made = await expired(memory := Memory())

    assert not memory.provider.accepts(made.connection)
    assert await memory.held() == {made.database.id}


async def test_the_record_says_that_it_is_expired_and_until_when() -> None:
    made = await expired(memory := Memory())

    record = await memory.only_record()
    assert record.state is State.EXPIRED
    assert (record.steps[-1].name, record.steps[-1].state) == ("suspend", StepState.DONE)
    assert made.database.expires_at
    assert record.wake_at == made.database.expires_at + GRACE


async def test_what_has_expired_is_not_expired_again() -> None:
    made = await expired(memory := Memory())
    record = await memory.only_record()

    assert not await memory.expire(GRACE).finish(made.database.id)
    assert await memory.only_record() == record


async def test_the_names_of_what_has_expired_are_not_free() -> None:
    made = await expired(memory := Memory())

    again = await vended(memory)

    assert again.connection.database != made.connection.database


async def test_during_its_grace_it_is_kept() -> None:
    made = await expired(memory := Memory())
    memory.clock.moment += GRACE - MOMENT

    assert not await memory.expire(GRACE).finish(made.database.id)
    assert await memory.held() == {made.database.id}


async def test_after_its_grace_it_is_dropped() -> None:
    made = await expired(memory := Memory())
    memory.clock.moment += GRACE

    assert await memory.expire(GRACE).finish(made.database.id)

    assert (await memory.only_record()).state is State.RETIRED
    assert await memory.held() == set()


async def test_without_grace_it_is_dropped_at_its_end() -> None:
    made = await vended(memory := Memory())
    memory.clock.moment += HOUR

    assert await memory.expire().finish(made.database.id)

    assert (await memory.only_record()).state is State.RETIRED
    assert await memory.held() == set()


async def test_what_nobody_saw_to_until_its_grace_was_over_is_dropped_at_once() -> None:
    made = await vended(memory := Memory())
    memory.clock.moment += HOUR + GRACE

    assert await memory.expire(GRACE).finish(made.database.id)

    assert (await memory.only_record()).state is State.RETIRED


@pytest.mark.parametrize("moment", ["before suspend", "after suspend"])
async def test_what_could_not_be_frozen_is_expired_and_is_frozen_later(moment: str) -> None:
    made = await vended(memory := Memory())
    memory.clock.moment += HOUR
    memory.trouble = Fails({moment: [ProviderBusy("Not now.")]})

    with pytest.raises(ProviderBusy):
        await memory.expire(GRACE).finish(made.database.id)

    record = await memory.only_record()
    assert (record.state, record.steps[-1].error) == (State.EXPIRED, "Not now.")
    assert await memory.expire(GRACE).finish(made.database.id)
    assert not memory.provider.accepts(made.connection)
    assert (await memory.only_record()).is_at_rest


@pytest.mark.parametrize("moment", ["before retire", "amid retire", "after retire"])
async def test_what_could_not_be_dropped_is_dropped_later(moment: str) -> None:
    made = await vended(memory := Memory())
    memory.clock.moment += HOUR
    memory.trouble = Fails({moment: [ProviderBusy()]})

    with pytest.raises(ProviderBusy):
        await memory.expire().finish(made.database.id)

    await settle(memory)
    assert (await memory.only_record()).state is State.RETIRED
    assert await memory.held() == set()


async def test_of_two_who_see_to_its_end_one_does() -> None:
    made = await vended(memory := Memory())
    memory.clock.moment += HOUR
    memory.trouble = hold = Holds("before suspend")
    expiring = asyncio.create_task(memory.expire(GRACE).finish(made.database.id))
    await hold.arrival()

    assert not await memory.replica().expire(GRACE).finish(made.database.id)

    hold.let_go.set()
    assert await expiring


async def test_a_rotation_that_was_cut_off_does_not_delay_the_end() -> None:
    made = await vended(memory := Memory())
    memory.trouble = Fails({"after rotate": [ProviderBusy()]})
    with pytest.raises(ProviderBusy):
        await memory.rotate()(made.database.id)
    memory.clock.moment += HOUR

    assert await memory.expire(GRACE).finish(made.database.id)

    record = await memory.only_record()
    assert (record.state, record.is_at_rest) == (State.EXPIRED, True)
    assert not memory.lets_in(record)


async def test_what_a_restore_that_was_cut_off_let_in_is_frozen_again_at_its_new_end() -> None:
    made = await expired(memory := Memory())
    memory.trouble = Fails({"after provision": [ProviderBusy()]})
    with pytest.raises(ProviderBusy):
        await memory.restore()(made.database.id, HOUR)
    assert memory.provider.accepts(made.connection)
    memory.clock.moment += HOUR

    assert await memory.expire(GRACE).finish(made.database.id)

    record = await memory.only_record()
    assert not memory.provider.accepts(made.connection)
    assert (record.state, record.is_at_rest) == (State.EXPIRED, True)


async def test_a_deletion_amid_its_end_wins() -> None:
    made = await vended(memory := Memory())
    memory.clock.moment += HOUR
    memory.trouble = hold = Holds("before suspend")
    expiring = asyncio.create_task(memory.expire(GRACE).finish(made.database.id))
    await hold.arrival()

    await memory.retire().promise(made.database.id)
    hold.let_go.set()
    await expiring

    record = await memory.only_record()
    assert (record.state, record.is_pending(Work.RETIRE)) == (State.RETIRING, True)

"""A deletion that comes while somebody is at work on the database: it waits for that."""

import asyncio

import pytest

from domain.errors import DatabaseNotFound, IllegalTransition, ProviderBusy
from domain.states import State
from domain.steps import Work
from ports.driving.retire import PAUSE
from ports.driving.vend import VendRequest
from tests.support.aftermath import assert_in_line
from tests.support.doubles import Fails, Holds
from tests.support.moments import moment_of
from tests.support.vending import Memory


async def vended(memory: Memory) -> str:
    return (await memory.vend()(VendRequest(nickname="Sales"))).database.id


async def test_where_nobody_is_at_work_it_is_done_at_once() -> None:
    database_id = await vended(memory := Memory())
    await memory.retire().promise(database_id)

    await memory.retire().see_through(database_id)

    assert memory.clock.slept == []
    assert (await memory.only_record()).state is State.RETIRED
    await assert_in_line(memory)


async def test_it_waits_for_a_new_password_and_is_done_then() -> None:
    database_id = await vended(memory := Memory())
    memory.trouble = hold = Holds("before rotate")
    rotating = asyncio.create_task(memory.rotate()(database_id))
    await hold.arrival()
    await memory.retire().promise(database_id)
    deleting = asyncio.create_task(memory.replica().retire().see_through(database_id))
    await moment_of(lambda: len(memory.clock.slept) > 1)
    assert (await memory.only_record()).state is State.RETIRING

    hold.let_go.set()
    with pytest.raises(IllegalTransition):
        await rotating
    await deleting

    assert (await memory.only_record()).state is State.RETIRED
    assert set(memory.clock.slept) == {PAUSE}
    await assert_in_line(memory)


@pytest.mark.parametrize("moment", ["before provision", "amid provision", "after provision"])
async def test_it_waits_for_a_vend_that_undoes_what_it_made(moment: str) -> None:
    memory = Memory(trouble=(hold := Holds(moment)))
    promised = await memory.vend().promise(VendRequest(nickname="Sales"))
    making = asyncio.create_task(memory.vend().finish(promised.id))
    await hold.arrival()
    await memory.retire().promise(promised.id)
    deleting = asyncio.create_task(memory.retire().see_through(promised.id))
    await moment_of(lambda: bool(memory.clock.slept))

    hold.let_go.set()
    await asyncio.gather(making, deleting, return_exceptions=True)

    assert deleting.exception() is None
    assert (await memory.only_record()).state is State.RETIRED
    await assert_in_line(memory)


async def test_it_is_over_when_somebody_else_has_done_it() -> None:
    database_id = await vended(memory := Memory())
    await memory.retire().promise(database_id)
    memory.trouble = hold = Holds("before retire")
    sweeping = asyncio.create_task(memory.replica().sweep()(drift=False))
    await hold.arrival()
    deleting = asyncio.create_task(memory.retire().see_through(database_id))
    await moment_of(lambda: bool(memory.clock.slept))

    hold.let_go.set()
    await asyncio.gather(sweeping, deleting)

    assert (await memory.only_record()).state is State.RETIRED


async def test_what_nobody_asked_to_drop_is_not_waited_for() -> None:
    database_id = await vended(memory := Memory())

    async with memory.leases.held(database_id):
        await memory.retire().see_through(database_id)

    assert (await memory.only_record()).state is State.READY


async def test_what_fails_is_left_to_the_sweep() -> None:
    database_id = await vended(memory := Memory())
    await memory.retire().promise(database_id)
    memory.trouble = Fails({"before retire": [ProviderBusy()]})

    with pytest.raises(ProviderBusy):
        await memory.retire().see_through(database_id)

    assert (await memory.only_record()).is_failed(Work.RETIRE)


async def test_an_unknown_database_is_not_found() -> None:
    with pytest.raises(DatabaseNotFound):
        await Memory().retire().see_through("db_unknown")

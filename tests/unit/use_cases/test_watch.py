"""What is done for a database, as it happens."""

import asyncio
from datetime import timedelta

import pytest

from domain.errors import DatabaseNotFound, ProviderBusy
from domain.states import State
from domain.steps import StepState
from ports.driving.vend import VendRequest
from ports.driving.watch import Look
from tests.support.doubles import PATIENCE, Fails, Holds
from tests.support.vending import Memory

HOUR = timedelta(hours=1)
GRACE = timedelta(days=1)
SALES = VendRequest(nickname="Sales", ttl=HOUR)

MADE = [("provision", "running"), ("provision", "done"), ("verify", "running"), ("verify", "done")]


async def watched(memory: Memory, database_id: str, after: int = 0) -> list[Look]:
    """All looks until nothing goes on any more."""
    async with asyncio.timeout(PATIENCE):
        return [look async for look in memory.watch()(database_id, after)]


def told(looks: list[Look]) -> list[tuple[str, str]]:
    return [(step.name, step.state.value) for look in looks for step in look.steps]


async def test_who_comes_late_is_told_all_and_let_go() -> None:
    memory = Memory()
    made = await memory.vend()(SALES)

    [look] = await watched(memory, made.database.id)

    assert told([look]) == MADE
    assert look.database == made.database


@pytest.mark.parametrize("after", range(6))
async def test_who_comes_back_is_told_what_is_new_to_it(after: int) -> None:
    memory = Memory()
    made = await memory.vend()(SALES)

    assert told(await watched(memory, made.database.id, after)) == MADE[after:]


@pytest.mark.parametrize("moment", ["before provision", "amid provision", "after provision"])
async def test_every_step_is_told_once_and_in_order_by_whichever_replica(moment: str) -> None:
    memory = Memory(trouble=(hold := Holds(moment)))
    promised = await memory.vend().promise(SALES)
    watching = asyncio.create_task(watched(memory.replica(), promised.id))
    making = asyncio.create_task(memory.vend().finish(promised.id))
    await hold.arrival()
    await asyncio.sleep(0)

    hold.let_go.set()

    assert told(await watching) == MADE
    assert await making


async def test_the_last_look_is_at_what_became_of_it() -> None:
    memory = Memory(trouble=Fails({"amid provision": [ProviderBusy("Not now.")]}))
    promised = await memory.vend().promise(SALES)
    with pytest.raises(ProviderBusy):
        await memory.vend().finish(promised.id)

    *_, last = await watched(memory, promised.id)

    assert last.database.state is State.FAILED
    assert [step.error for step in last.steps if step.state is StepState.FAILED] == ["Not now."]


async def test_what_has_expired_is_not_watched_until_it_is_dropped() -> None:
    memory = Memory()
    made = await memory.vend()(SALES)
    memory.trouble = Fails({"before rotate": [ProviderBusy()]})
    with pytest.raises(ProviderBusy):
        await memory.rotate()(made.database.id)
    memory.clock.moment += HOUR
    await memory.sweep(GRACE)()

    looks = await watched(memory, made.database.id)

    assert looks[-1].database.state is State.EXPIRED


async def test_a_drop_is_watched_to_its_end() -> None:
    memory = Memory()
    made = await memory.vend()(SALES)
    await memory.retire().promise(made.database.id)
    watching = asyncio.create_task(watched(memory, made.database.id, after=4))
    await asyncio.sleep(0)

    await memory.retire().finish(made.database.id)

    assert told(await watching) == [("retire", "running"), ("retire", "done")]


async def test_nothing_is_asked_faster_than_the_interval() -> None:
    memory = Memory()
    promised = await memory.vend().promise(SALES)
    looks = memory.watch()(promised.id)

    for _ in range(3):
        await anext(looks)

    assert len(memory.clock.slept) == 2
    assert all(memory.clock.slept)


async def test_an_unknown_database_is_not_found() -> None:
    with pytest.raises(DatabaseNotFound):
        await watched(Memory(), "db_unknown")

"""The caller goes away, or somebody deletes, while a database is being made."""

import asyncio
from contextlib import suppress

import pytest

from domain.errors import PgvendError, StaleRecord
from domain.states import State
from ports.driving.vend import VendRequest
from ports.driving.vended import Vended
from tests.support.doubles import Fails, Holds, RefusingLoginCheck
from tests.support.vending import Memory

SALES = VendRequest(nickname="Sales")

PROVISIONING = ["before provision", "amid provision", "after provision"]
RETIRING = ["before retire", "amid retire", "after retire"]

Vending = asyncio.Task[Vended]


async def settled(memory: Memory) -> None:
    """Either nothing is left, or the record is ready and so is the database."""
    record = await memory.only_record()
    held = await memory.held()
    if record.state is State.READY:
        assert held == {record.id}
    else:
        assert (record.state, held) == (State.FAILED, set())


@pytest.mark.parametrize("moment", PROVISIONING)
async def test_a_vend_that_is_cancelled_leaves_nothing(moment: str) -> None:
    memory = Memory(trouble=(hold := Holds(moment)))
    vending = asyncio.create_task(memory.vend()(SALES))
    await hold.arrival()

    vending.cancel()

    with pytest.raises(asyncio.CancelledError):
        await vending
    assert (await memory.only_record()).state is State.FAILED
    assert await memory.held() == set()


@pytest.mark.parametrize("moment", PROVISIONING)
@pytest.mark.parametrize("undo", RETIRING)
async def test_a_vend_that_is_cancelled_again_amid_its_undo_leaves_nothing(
    moment: str, undo: str
) -> None:
    first, second = Holds(moment), Holds(undo)
    memory = Memory(trouble=_both(first, second))
    vending = asyncio.create_task(memory.vend()(SALES))
    await first.arrival()
    vending.cancel()
    await second.arrival()

    vending.cancel()
    await asyncio.sleep(0)
    vending.cancel()
    second.let_go.set()

    with pytest.raises(asyncio.CancelledError):
        await vending
    assert (await memory.only_record()).state is State.FAILED
    assert await memory.held() == set()


@pytest.mark.parametrize("undo", RETIRING)
async def test_a_cancellation_amid_the_undo_of_a_failure_is_passed_on(undo: str) -> None:
    memory = Memory(trouble=(hold := Holds(undo)))
    vend = memory.vend(login_check=RefusingLoginCheck(PgvendError()))
    vending = asyncio.create_task(vend(SALES))
    await hold.arrival()

    vending.cancel()
    hold.let_go.set()

    with pytest.raises(asyncio.CancelledError):
        await vending
    assert await memory.held() == set()


@pytest.mark.parametrize("turns", range(25))
async def test_whenever_a_vend_is_cancelled_it_is_whole_or_not_at_all(turns: int) -> None:
    memory = Memory(trouble=_give_way)
    vending = asyncio.create_task(memory.vend()(SALES))
    for _ in range(turns):
        await asyncio.sleep(0)

    vending.cancel()

    with suppress(asyncio.CancelledError):
        await vending
    if await memory.records():
        await settled(memory)
    assert len(await memory.held()) <= 1


async def test_a_vend_that_is_cancelled_before_it_begins_does_nothing() -> None:
    memory = Memory()
    vending = asyncio.create_task(memory.vend()(SALES))

    vending.cancel()

    with pytest.raises(asyncio.CancelledError):
        await vending
    assert await memory.records() == []


@pytest.mark.parametrize("moment", PROVISIONING)
async def test_a_deletion_that_comes_amid_a_vend_wins(moment: str) -> None:
    memory = Memory(trouble=(hold := Holds(moment)))
    vending = asyncio.create_task(memory.vend()(SALES))
    await hold.arrival()
    record = await memory.only_record()
    retire = memory.retire()

    await retire.promise(record.id)
    hold.let_go.set()

    with pytest.raises(StaleRecord):
        await vending
    assert await memory.held() == set()
    await retire.finish(record.id)
    assert (await memory.only_record()).state is State.RETIRED


@pytest.mark.parametrize("moment", PROVISIONING)
async def test_a_deletion_that_ends_amid_a_vend_is_not_undone_by_it(moment: str) -> None:
    """The vend has lost its lease; what it makes after the deletion is done, nobody would look for
    soon."""
    memory = Memory(trouble=(hold := Holds(moment)))
    vending = asyncio.create_task(memory.vend()(SALES))
    await hold.arrival()
    record = await memory.only_record()

    await memory.retire().promise(record.id)
    assert await memory.restarted().retire().finish(record.id)
    hold.let_go.set()

    with pytest.raises(StaleRecord):
        await vending
    assert (await memory.only_record()).state is State.RETIRED
    assert await memory.held() == set()


async def test_a_deletion_amid_a_vend_whose_undo_fails_stays_promised() -> None:
    hold = Holds("after provision")
    memory = Memory(trouble=_both(hold, Fails({"before retire": [PgvendError()]})))
    vending = asyncio.create_task(memory.vend()(SALES))
    await hold.arrival()
    record = await memory.only_record()

    await memory.retire().promise(record.id)
    hold.let_go.set()

    with pytest.raises(StaleRecord):
        await vending
    assert (await memory.only_record()).state is State.RETIRING


def _both(one: Holds, other: Holds | Fails) -> "_Both":
    return _Both(one, other)


class _Both:
    def __init__(self, one: Holds, other: Holds | Fails) -> None:
        self._troubles = (one, other)

    async def __call__(self, moment: str) -> None:
        for trouble in self._troubles:
            await trouble(moment)


async def _give_way(moment: str) -> None:
    await asyncio.sleep(0)

"""A sweep that is stopped: nothing is lost, and nothing is at work any more when it has ended."""

import asyncio

import pytest

from adapters.memory.provider import no_trouble
from domain.states import State
from ports.cancellation import finished
from ports.driving.vend import VendRequest
from tests.support.aftermath import found, settle
from tests.support.doubles import Holds
from tests.support.moments import moment_of
from tests.support.turns import settled
from tests.support.vending import Memory


async def deleted(memory: Memory, nickname: str = "Sales") -> None:
    made = await memory.vend()(VendRequest(nickname=nickname))
    await memory.retire().promise(made.database.id)


async def test_a_sweep_that_is_cancelled_leaves_the_rest_to_the_next() -> None:
    await deleted(memory := Memory())
    memory.trouble = hold = Holds("amid retire")
    sweeping = asyncio.create_task(found(memory))
    await hold.arrival()
    sweeping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sweeping
    memory.trouble = no_trouble

    await settle(memory)

    assert (await memory.only_record()).state is State.RETIRED
    assert await memory.held() == set()


async def test_a_sweep_that_is_cancelled_ends_after_all_its_chores() -> None:
    """Whoever stops it closes next what they work with."""
    memory = Memory()
    for number in range(3):
        await deleted(memory, f"Sales {number}")
    memory.trouble = work = _Uninterruptible()
    sweeping = asyncio.create_task(memory.sweep()(drift=False))
    await moment_of(lambda: work.begun == 3)
    sweeping.cancel()
    await settled()
    work.end_one()
    await settled()
    assert not sweeping.done(), "others are still at work"

    for _ in range(2):
        work.end_one()
    with pytest.raises(asyncio.CancelledError):
        await sweeping

    assert work.ended == 3


class _Uninterruptible:
    """As a trouble: what a provider does before it looks at a cancellation."""

    def __init__(self) -> None:
        self.begun = 0
        self.ended = 0
        self._ends = asyncio.Semaphore(0)

    def end_one(self) -> None:
        self._ends.release()

    async def __call__(self, moment: str) -> None:
        if moment == "before retire":
            self.begun += 1
            await finished(self._work())

    async def _work(self) -> None:
        await self._ends.acquire()
        self.ended += 1

"""The pace of the refill: one replica, one spare at a time, after the creations."""

import asyncio

from adapters.memory.provider import no_fault
from ports.use_cases.create_request import CreateRequest
from ports.use_cases.maintain_spares import LEASE, LONGEST_WAIT, QUIET_TIME
from tests.support.clock import FakeClock
from tests.support.memory_service import MemoryService
from tests.support.spares import create_pooled


async def test_one_replica_at_a_time_fills_spares() -> None:
    memory = MemoryService(counts={"default": 2})
    async with memory.leases.acquire(LEASE):
        await memory.replica().maintain_spares()()
    assert await memory.spares() == []


async def test_a_replica_that_does_not_fill_claims_all_the_same() -> None:
    memory = await create_pooled(1)
    replica = memory.replica()
    async with memory.leases.acquire(LEASE):
        await replica.maintain_spares()()

    await replica.create()

    assert await memory.spares() == []


async def test_the_refill_waits_for_creations_up_to_a_limit() -> None:
    memory = MemoryService(counts={"default": 1})
    with memory.running.count():
        await memory.maintain_spares()()
        assert memory.clock.slept[0] == LONGEST_WAIT
    assert len(await memory.spares()) == 1


async def test_the_refill_waits_for_the_end_of_requested_creations() -> None:
    memory = MemoryService(counts={"default": 1})
    create = memory.create_database()
    requested = await create.request(CreateRequest(nickname="Sales"))
    hold, finishing = await memory.hold("before provision", create.finish(requested.id))
    memory.fault_hook = no_fault
    memory.clock.slept.clear()

    await memory.maintain_spares()()

    assert memory.clock.slept[0] == LONGEST_WAIT
    hold.let_go.set()
    assert await finishing


async def test_a_refill_that_is_not_urgent_waits_for_a_quiet_time() -> None:
    memory = await create_pooled(4)
    await memory.create()
    ended_at = memory.clock.elapsed()

    await memory.maintain_spares()()

    assert memory.clock.elapsed() >= ended_at + QUIET_TIME


async def test_few_spares_are_filled_in_the_next_gap_between_creations() -> None:
    memory = await create_pooled(4)
    for _ in range(3):
        await memory.create()
    memory.clock.slept.clear()
    hold, refill = await memory.hold("before provision", memory.maintain_spares()())
    assert memory.clock.slept == []
    hold.let_go.set()
    await refill


async def test_the_refill_goes_on_when_the_last_creation_has_ended() -> None:
    memory = MemoryService(counts={"default": 1}, clock=StoppedClock())
    hold, creation = await memory.hold("after provision", memory.create())
    refill = asyncio.create_task(memory.maintain_spares()())
    for _ in range(20):
        await asyncio.sleep(0)
    assert await memory.spares() == []

    hold.let_go.set()
    await creation
    await refill

    assert len(await memory.spares()) == 1


class StoppedClock(FakeClock):
    """A clock whose sleeps end only when they last no time."""

    async def sleep(self, seconds: float) -> None:
        if seconds:
            await asyncio.Event().wait()


async def test_a_refill_rests_as_long_as_a_spare_took() -> None:
    async def take_two_seconds(moment: str) -> None:
        if moment == "during provision":
            memory.clock.passed += 2.0

    memory = MemoryService(counts={"default": 2}, fault_hook=take_two_seconds)
    await memory.maintain_spares()()
    assert memory.clock.slept == [2.0, 2.0]

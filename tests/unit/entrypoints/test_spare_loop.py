"""The loop that keeps spares ready: woken by claims, patient after errors."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from adapters.memory.provider import no_fault
from domain.errors import ProviderBusy
from entrypoints.background.spare_loop import INTERVAL, LONGEST_GAP, SpareLoop
from ports.use_cases.maintain_spares import LONGEST_WAIT
from tests.support.clock import FakeClock
from tests.support.doubles import CrashAt, FailAt
from tests.support.embedded_servers import Events
from tests.support.memory_service import MemoryService
from tests.support.spares import another_process, create_pooled


class WaitingClock(FakeClock):
    """Sleeps of the loop's interval end when the test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.interval = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        await super().sleep(seconds)
        if seconds == INTERVAL:
            await self.interval.wait()


async def let_others_run() -> None:
    for _ in range(50):
        await asyncio.sleep(0)


@asynccontextmanager
async def run_loop(memory: MemoryService, events: Events) -> AsyncIterator[asyncio.Task[None]]:
    loop = SpareLoop(memory.maintain_spares(), memory.clock, events.log)
    task = asyncio.create_task(loop.run_forever())
    await let_others_run()
    yield task
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_spares_are_filled_at_the_start_and_after_a_claim() -> None:
    memory, events = MemoryService(counts={"default": 2}, clock=WaitingClock()), Events()
    async with run_loop(memory, events):
        assert len(await memory.spares()) == 2
        await memory.create()
        assert len(await memory.spares()) == 1
        await let_others_run()
        assert len(await memory.spares()) == 2
    assert events.names == []


async def test_spares_that_others_claimed_are_filled_at_intervals() -> None:
    clock = WaitingClock()
    memory = MemoryService(counts={"default": 1}, clock=clock)
    async with run_loop(memory, Events()):
        replica = memory.replica()
        replica.pool.mark_compared(())
        await replica.create()
        await let_others_run()
        assert await memory.spares() == []
        clock.interval.set()
        await let_others_run()
        assert len(await memory.spares()) == 1


async def test_an_error_is_logged_and_a_claim_does_not_shorten_the_wait_after_it() -> None:
    clock = WaitingClock()
    memory, events = MemoryService(counts={"default": 1}, clock=clock), Events()
    memory.fault_hook = FailAt({"before provision": [ProviderBusy("Not now.")]})
    async with run_loop(memory, events):
        [failed] = events.fields("spares.failed")
        assert (failed["error"], failed["detail"]) == ("provider_busy", "Not now.")
        memory.pool.report_claim()
        await let_others_run()
        assert await memory.spares() == []
        clock.interval.set()
        await let_others_run()
        assert len(await memory.spares()) == 1


async def test_an_unexpected_error_is_logged_and_the_loop_goes_on() -> None:
    memory, events = MemoryService(counts={"default": 1}), Events()
    memory.fault_hook = CrashAt("before provision", KeyError("a bug"))
    async with run_loop(memory, events):
        assert events.names == ["spares.crashed"]
        assert len(await memory.spares()) == 1


async def test_without_wanted_spares_the_loop_ends_when_former_ones_are_deleted() -> None:
    memory = another_process(await create_pooled(2), counts={})
    memory.fault_hook = FailAt({"before delete": [ProviderBusy()]})
    async with run_loop(memory, Events()) as task:
        await asyncio.wait_for(task, 5)
    memory.fault_hook = no_fault
    assert await memory.spares() == []


async def test_a_claim_leads_to_a_check_in_the_next_gap_between_creations() -> None:
    memory = await create_pooled(3, clock=WaitingClock())
    async with run_loop(memory, Events()):
        memory.clock.slept.clear()
        with memory.running.count():
            await memory.create()
            await let_others_run()
    assert memory.clock.slept[:2] == [LONGEST_GAP, LONGEST_WAIT]

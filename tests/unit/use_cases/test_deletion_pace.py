"""Deletions in the background: their batches, their rests, and creations that come first."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from ports.use_cases.deletion_pace import (
    BATCH,
    LONGEST_REST,
    LONGEST_YIELD,
    PATIENCE,
    DeletionPace,
)
from ports.use_cases.running_creations import RunningCreations
from tests.support.held_clock import HeldClock
from tests.support.memory_service import MemoryService

TURNS = 50
"""Rounds of the event loop in which every task that can go on does so."""


class Deletions:
    """Deletions that run until the test ends them."""

    def __init__(self) -> None:
        self.clock = HeldClock()
        self.creations = RunningCreations(self.clock)
        self.pace = DeletionPace(self.clock, self.creations)
        self.started: list[int] = []
        self._ends: dict[int, asyncio.Event] = {}
        self.tasks: list[asyncio.Task[None]] = []

    def request(self, count: int) -> None:
        for _ in range(count):
            number = len(self.tasks)
            self._ends[number] = asyncio.Event()
            self.tasks.append(asyncio.create_task(self._run(number)))

    def end(self, *numbers: int) -> None:
        for number in numbers:
            self._ends[number].set()

    async def _run(self, number: int) -> None:
        async with self.pace.turn():
            self.started.append(number)
            await self._ends[number].wait()


@pytest.fixture
async def deletions() -> AsyncIterator[Deletions]:
    deletions = Deletions()
    yield deletions
    for task in deletions.tasks:
        task.cancel()
    await asyncio.gather(*deletions.tasks, return_exceptions=True)


async def settle() -> None:
    for _ in range(TURNS):
        await asyncio.sleep(0)


async def test_a_deletion_starts_at_once_if_nothing_else_runs(deletions: Deletions) -> None:
    deletions.request(1)
    await settle()
    assert deletions.started == [0]
    assert not deletions.clock.slept


async def test_the_next_batch_starts_when_the_last_deletion_of_the_previous_one_ended(
    deletions: Deletions,
) -> None:
    deletions.request(BATCH + 2)
    await settle()
    assert deletions.started == list(range(BATCH))
    deletions.end(*range(BATCH - 1))
    await settle()
    assert len(deletions.started) == BATCH
    deletions.end(BATCH - 1)
    await settle()
    assert deletions.started == list(range(BATCH + 2))


async def test_a_deletion_joins_a_batch_that_runs(deletions: Deletions) -> None:
    deletions.request(1)
    await settle()
    with deletions.creations.count():
        deletions.request(1)
        await settle()
    assert deletions.started == [0, 1]


async def test_creations_come_first(deletions: Deletions) -> None:
    with deletions.creations.count():
        with deletions.creations.count():
            deletions.request(1)
            await settle()
        await settle()
        assert not deletions.started
    await settle()
    assert deletions.started == [0]


async def test_creations_without_end_do_not_stop_deletions(deletions: Deletions) -> None:
    with deletions.creations.count():
        deletions.request(1)
        await settle()
        assert deletions.clock.slept == [LONGEST_YIELD]
        deletions.clock.end_sleeps()
        await settle()
        assert deletions.started == [0]


async def test_the_more_deletions_wait_the_shorter_they_yield(deletions: Deletions) -> None:
    with deletions.creations.count():
        deletions.request(1)
        await settle()
        deletions.request(4 * BATCH)
        await settle()
        deletions.clock.end_sleeps()
        await settle()
        assert len(deletions.started) == BATCH
        deletions.end(*range(BATCH))
        await settle()
        waiting = 3 * BATCH + 1
        assert deletions.clock.slept[-1] == LONGEST_YIELD * BATCH / waiting


@pytest.mark.parametrize(("took", "rest"), [(0.3, 0.3), (60.0, LONGEST_REST)])
async def test_a_batch_is_followed_by_a_rest_of_its_own_duration(
    deletions: Deletions, took: float, rest: float
) -> None:
    deletions.request(1)
    await settle()
    deletions.clock.passed += took
    deletions.end(0)
    await settle()
    deletions.request(1)
    await settle()
    assert deletions.started == [0]
    assert deletions.clock.slept == [pytest.approx(rest)]
    deletions.clock.end_sleeps()
    await settle()
    assert deletions.started == [0, 1]


async def test_after_a_long_pause_there_is_no_rest(deletions: Deletions) -> None:
    deletions.request(1)
    await settle()
    deletions.clock.passed += 0.3
    deletions.end(0)
    await settle()
    deletions.clock.passed += 0.3
    deletions.request(1)
    await settle()
    assert deletions.started == [0, 1]


async def test_a_deletion_that_a_tenant_holds_up_delays_others_for_a_moment_only(
    deletions: Deletions,
) -> None:
    deletions.request(BATCH + 1)
    await settle()
    assert deletions.clock.slept == [PATIENCE]
    deletions.end(*range(1, BATCH))
    deletions.clock.end_sleeps()
    await settle()
    assert deletions.started == list(range(BATCH + 1))


async def test_a_cancelled_deletion_leaves_its_place(deletions: Deletions) -> None:
    with deletions.creations.count():
        deletions.request(3)
        await settle()
        deletions.tasks[0].cancel()
        deletions.tasks[1].cancel()
        await settle()
    await settle()
    assert deletions.started == [2]
    deletions.tasks[2].cancel()
    await settle()
    deletions.request(BATCH)
    await settle()
    assert len(deletions.started) == 1 + BATCH


async def test_a_requested_deletion_waits_for_a_creation_that_runs() -> None:
    memory = MemoryService(clock=HeldClock())
    sales = await memory.create()
    deletion = memory.deletion()
    hold, creation = await memory.hold("during provision", memory.create("Other"))
    await deletion.request(sales.database.id)
    finishing = asyncio.create_task(deletion.finish(sales.database.id))
    await settle()
    assert memory.provider.accepts(sales.connection)
    hold.let_go.set()
    await creation
    assert await finishing
    assert not memory.provider.accepts(sales.connection)

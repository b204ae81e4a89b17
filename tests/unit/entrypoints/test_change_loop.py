"""The loop that polls for changes: only while streams are open, and patient after errors."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

from adapters.memory.registry import MemoryRegistry
from domain.callers import ANYONE
from domain.errors import Unavailable
from entrypoints.background.change_loop import INTERVAL, ChangeLoop
from ports.use_cases.poll_changes import PollChanges
from ports.use_cases.record_feed import RecordFeed
from tests.support.clock import FakeClock
from tests.support.doubles import WrappedRegistry
from tests.support.embedded_servers import Events

T = TypeVar("T")


class FailingOnRequest(WrappedRegistry):
    """Raises the error while there is one."""

    def __init__(self) -> None:
        self.inner = MemoryRegistry()
        self.error: Exception | None = None
        self.calls = 0

    async def call_inner(self, call: Callable[[], Awaitable[T]]) -> T:
        self.calls += 1
        if self.error:
            raise self.error
        return await call()


async def let_others_run() -> None:
    for _ in range(50):
        await asyncio.sleep(0)


@asynccontextmanager
async def running_loop(
    registry: FailingOnRequest, events: Events
) -> AsyncIterator[tuple[PollChanges, FakeClock]]:
    poll, clock = PollChanges(registry=registry, feed=RecordFeed()), FakeClock()
    task = asyncio.create_task(ChangeLoop(poll, clock, events.log).run_forever())
    await let_others_run()
    yield poll, clock
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_the_registry_is_polled_at_intervals_while_a_stream_is_open() -> None:
    registry, events = FailingOnRequest(), Events()
    async with running_loop(registry, events) as (poll, clock):
        assert registry.calls == 0
        with poll.feed.subscribe(ANYONE):
            await poll.start()
            await let_others_run()
            assert registry.calls > 3
            assert set(clock.slept) == {INTERVAL}
        await let_others_run()
        calls = registry.calls
        await let_others_run()
        assert registry.calls == calls
        with poll.feed.subscribe(ANYONE):
            await poll.start()
            await let_others_run()
        assert registry.calls > calls + 3
    assert events.names == []


async def test_the_first_of_several_errors_is_logged_and_the_loop_goes_on() -> None:
    registry, events = FailingOnRequest(), Events()
    async with running_loop(registry, events) as (poll, _):
        with poll.feed.subscribe(ANYONE):
            await poll.start()
            for _ in range(2):
                registry.error = Unavailable("Not now.")
                await let_others_run()
                registry.error = None
                await let_others_run()
    assert events.names == ["changes.failed"] * 2
    assert events.fields("changes.failed")[0]["detail"] == "Not now."


async def test_an_unexpected_error_is_logged_and_the_loop_goes_on() -> None:
    registry, events = FailingOnRequest(), Events()
    async with running_loop(registry, events) as (poll, _):
        with poll.feed.subscribe(ANYONE):
            await poll.start()
            registry.error = KeyError("a bug")
            await let_others_run()
            calls = registry.calls
            await let_others_run()
            assert registry.calls > calls
    assert set(events.names) == {"changes.crashed"}

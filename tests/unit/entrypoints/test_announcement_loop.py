"""The loop that announces events: at intervals, and patient after errors."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import cast

from domain.errors import Unavailable
from entrypoints.background.announcement_loop import AnnouncementLoop
from ports.use_cases.announce_events import AnnounceEvents
from tests.support.clock import FakeClock
from tests.support.embedded_servers import Events

INTERVAL = 7


@dataclass
class Announcing:
    """Returns the counts one after the other, and raises the exceptions among them; then 0."""

    outcomes: Sequence[int | Exception] = ()
    calls: int = 0
    woken: int = 0
    done: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self) -> int:
        self.calls += 1
        outcome = self.outcomes[self.calls - 1] if self.calls <= len(self.outcomes) else 0
        if self.calls > len(self.outcomes):
            self.done.set()
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def wake(self) -> None:
        self.woken += 1


@asynccontextmanager
async def finished_loop(
    *outcomes: int | Exception,
) -> AsyncIterator[tuple[Announcing, Events, FakeClock]]:
    """Run the loop until it has got these outcomes and one more."""
    announcing, events, clock = Announcing(outcomes), Events(), FakeClock()
    announce = cast("AnnounceEvents", announcing)
    loop = AnnouncementLoop(announce, announcing.wake, INTERVAL, clock, events.log)
    task = asyncio.create_task(loop.run_forever())
    await announcing.done.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    yield announcing, events, clock


async def test_events_are_announced_at_intervals() -> None:
    async with finished_loop(0, 0) as (_, events, clock):
        assert clock.slept[:2] == [INTERVAL, INTERVAL]
        assert events.names == []


async def test_new_deliveries_wake_the_sender() -> None:
    async with finished_loop(0, 3, 0) as (announcing, events, _):
        assert announcing.woken == 1
        assert events.names == ["webhooks.announced"]


async def test_the_first_of_several_errors_is_logged_and_the_loop_goes_on() -> None:
    async with finished_loop(Unavailable(), Unavailable(), 0, Unavailable(), 1) as (_, events, _):
        assert events.names == ["webhooks.failed", "webhooks.failed", "webhooks.announced"]


async def test_an_unexpected_error_does_not_end_the_loop() -> None:
    async with finished_loop(ValueError("Broken."), 1) as (_, events, _):
        assert events.names == ["webhooks.crashed", "webhooks.announced"]


async def test_an_interval_of_zero_disables_the_loop() -> None:
    announcing = Announcing()
    announce = cast("AnnounceEvents", announcing)

    await AnnouncementLoop(announce, announcing.wake, 0, FakeClock(), Events().log).run_forever()

    assert announcing.calls == 0

"""The pace of deletions in the background: in batches, with rests, and after creations."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from ports.driven.cancellation import wait_for_first
from ports.driven.clock import Clock
from ports.use_cases.running_creations import RunningCreations

BATCH = 8
"""Deletions of a batch. On a PostgreSQL server those that run together share a checkpoint, which
each of them needs and which slows creations down."""

LONGEST_YIELD = 0.5
"""Seconds for which a batch waits for creations to end."""

LONGEST_REST = 1.0
"""Seconds of rest after a batch. A shorter batch is followed by a rest of its own duration."""

PATIENCE = 2.0
"""Seconds after which the next batch starts although a deletion of the previous one still runs:
its tenant may hold it up."""


class DeletionPace:
    """Admits deletions so that creations keep at least half of the server.

    The more deletions wait, the shorter a batch yields: under constant load, deletions keep up with
    the creations.
    """

    def __init__(self, clock: Clock, creations: RunningCreations) -> None:
        self._clock = clock
        self._creations = creations
        self._entrance = asyncio.Lock()  # first come, first served
        self._waiting = 0
        self._left = 0
        self._running = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._started_at = self._ended_at = clock.elapsed()

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for a place in a batch, and occupy it while the context is open."""
        await self._enter()
        try:
            yield
        finally:
            self._running -= 1
            if not self._running:
                self._ended_at = self._clock.elapsed()
                self._idle.set()

    async def _enter(self) -> None:
        self._waiting += 1
        try:
            async with self._entrance:
                if not (self._running and self._left):
                    await self._prepare_batch()
                self._left -= 1
                self._running += 1
                self._idle.clear()
        finally:
            self._waiting -= 1

    async def _prepare_batch(self) -> None:
        if self._running:
            await wait_for_first(self._wait_until_idle(), self._clock.sleep(PATIENCE))
        await self._rest()
        await self._creations.yield_to_them(LONGEST_YIELD * BATCH / max(BATCH, self._waiting))
        self._left = BATCH
        self._started_at = self._clock.elapsed()

    async def _rest(self) -> None:
        """Rest for as long as the last batch took, counted from its end."""
        took = min(self._ended_at - self._started_at, LONGEST_REST)
        if (seconds := self._ended_at + took - self._clock.elapsed()) > 0:
            await self._clock.sleep(seconds)

    async def _wait_until_idle(self) -> None:
        await self._idle.wait()

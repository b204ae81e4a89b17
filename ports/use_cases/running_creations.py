"""The creations that run in this process, to which background work yields."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from ports.driven.cancellation import wait_for_first
from ports.driven.clock import Clock


class RunningCreations:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._count = 0
        self._quiet = asyncio.Event()
        self._quiet.set()

    @contextmanager
    def count(self) -> Iterator[None]:
        """Count a creation while the context is open."""
        self._count += 1
        self._quiet.clear()
        try:
            yield
        finally:
            self._count -= 1
            if not self._count:
                self._quiet.set()

    async def yield_to_them(self, longest: float) -> None:
        """Wait until no creation runs, but for `longest` seconds at most."""
        if not self._quiet.is_set():
            await wait_for_first(self._wait_until_quiet(), self._clock.sleep(longest))

    async def _wait_until_quiet(self) -> None:
        await self._quiet.wait()

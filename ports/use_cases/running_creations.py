"""The creations that run in this process, to which background work yields."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from math import inf

from ports.driven.cancellation import wait_for_first
from ports.driven.clock import Clock


class RunningCreations:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._count = 0
        self._ended_at = -inf
        self._quiet = asyncio.Event()
        self._quiet.set()

    @property
    def number(self) -> int:
        return self._count

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
                self._ended_at = self._clock.elapsed()
                self._quiet.set()

    async def yield_to_them(self, longest: float, quiet_for: float = 0.0) -> None:
        """Wait until no creation has run for `quiet_for` seconds, but for `longest` seconds at
        most."""
        if not self._is_quiet(quiet_for):
            await wait_for_first(self._wait_until_quiet(quiet_for), self._clock.sleep(longest))

    def _is_quiet(self, seconds: float) -> bool:
        return self._quiet.is_set() and self._calculate_rest(seconds) <= 0

    async def _wait_until_quiet(self, seconds: float) -> None:
        while not self._is_quiet(seconds):
            await self._quiet.wait()
            if (rest := self._calculate_rest(seconds)) > 0:
                await self._clock.sleep(rest)

    def _calculate_rest(self, seconds: float) -> float:
        return self._ended_at + seconds - self._clock.elapsed()

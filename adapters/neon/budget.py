"""The limit on API requests: all clients of an account share 700 a minute, in bursts of 40."""

import asyncio

from ports.driven.clock import Clock

RATE = 11.0
"""Requests per second, slightly below Neon's limit."""

BURST = 40
"""Requests that may be sent at once after a pause."""

MAX_HOLD = 60.0
"""Seconds: a budget per minute is full again after a minute, even if a header asks for more."""


class Budget:
    """A rate limiter that passes requests in order."""

    def __init__(self, clock: Clock, rate: float = RATE, burst: int = BURST) -> None:
        self._clock = clock
        self._queue = asyncio.Lock()
        self._interval = 1 / rate
        self._credit = burst * self._interval
        self._due = clock.elapsed() - self._credit

    async def spend(self) -> None:
        """Wait until the next request may be sent."""
        async with self._queue:
            self._due = max(self._due, self._clock.elapsed() - self._credit) + self._interval
            while (wait := self._due - self._clock.elapsed()) > 0:  # `hold` may extend it meanwhile
                await self._clock.sleep(wait)

    def hold(self, seconds: float) -> None:
        """Send no request for `seconds`, at most MAX_HOLD: Neon asked for this pause."""
        self._due = max(self._due, self._clock.elapsed() + min(seconds, MAX_HOLD))

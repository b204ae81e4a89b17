"""How often we ask: an account has 700 requests a minute, and bursts of 40, for all its users."""

import asyncio

from ports.driven.clock import Clock

RATE = 11.0
"""Requests a second, a little less than all there are."""

BURST = 40
"""Requests at once, after a rest."""

LONGEST_HOLD = 60.0
"""Seconds: a budget of requests a minute is there again after one, whatever a header says."""


class Budget:
    """Lets requests through in their order, as fast as the budget allows."""

    def __init__(self, clock: Clock, rate: float = RATE, burst: int = BURST) -> None:
        self._clock = clock
        self._queue = asyncio.Lock()
        self._interval = 1 / rate
        self._credit = burst * self._interval
        self._due = clock.elapsed() - self._credit

    async def spend(self) -> None:
        """Wait for the next request's turn."""
        async with self._queue:
            self._due = max(self._due, self._clock.elapsed() - self._credit) + self._interval
            while (wait := self._due - self._clock.elapsed()) > 0:  # longer, if held meanwhile
                await self._clock.sleep(wait)

    def hold(self, seconds: float) -> None:
        """No request before that time is over, at most LONGEST_HOLD: Neon said so."""
        self._due = max(self._due, self._clock.elapsed() + min(seconds, LONGEST_HOLD))

"""The limit on API requests: all clients of an account share 700 a minute, in bursts of 40.

A response with status 429 may request a pause in its Retry-After header.
"""

import asyncio
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from ports.driven.clock import Clock

RATE = 11.0
"""Requests per second, slightly below Neon's limit."""

BURST = 40
"""Requests that may be sent at once after a pause."""

AMPLE = BURST // 2
"""The budget is ample while so many requests may be sent at once: a poll may come early then."""

MAX_PAUSE = 60.0
"""Seconds: a budget per minute is full again after a minute, even if a header requests more."""

MAX_RETRY_AFTER = 86_400.0
"""Seconds: a header that requests more is read as this."""


class Budget:
    """A rate limiter that passes requests in order."""

    def __init__(self, clock: Clock, rate: float = RATE, burst: int = BURST) -> None:
        self._clock = clock
        self._queue = asyncio.Lock()
        self._interval = 1 / rate
        self._credit = burst * self._interval
        self._due = clock.elapsed() - self._credit

    @property
    def is_ample(self) -> bool:
        """Whether AMPLE requests may be sent at once."""
        return self._clock.elapsed() - self._due >= AMPLE * self._interval

    async def spend(self) -> None:
        """Wait until the next request may be sent."""
        async with self._queue:
            self._due = max(self._due, self._clock.elapsed() - self._credit) + self._interval
            while (wait := self._due - self._clock.elapsed()) > 0:  # `pause` may extend it
                await self._clock.sleep(wait)

    def pause(self, seconds: float) -> None:
        """Send no request for `seconds`, at most MAX_PAUSE: Neon requested this pause."""
        self._due = max(self._due, self._clock.elapsed() + min(seconds, MAX_PAUSE))


def parse_retry_after(retry_after: str | None, now: datetime) -> float | None:
    """Return the seconds of a Retry-After header (RFC 9110, 10.2.3): a number or a date."""
    if retry_after is None:
        return None
    number = retry_after.strip()
    if number.isdecimal():
        return min(float(number), MAX_RETRY_AFTER)
    try:
        moment = parsedate_to_datetime(retry_after)
    except (ValueError, OverflowError):
        return None
    if moment.tzinfo is None:  # as in the oldest of the three formats
        moment = moment.replace(tzinfo=UTC)
    return min(max(0.0, (moment - now).total_seconds()), MAX_RETRY_AFTER)

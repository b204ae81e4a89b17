"""A clock whose sleeps let other tasks run."""

import asyncio

from tests.support.clock import FakeClock

PAUSE = 0.01
"""Seconds."""


class SlowClock(FakeClock):
    """Each sleep takes a moment, for loops that sleep until they are cancelled."""

    async def sleep(self, seconds: float) -> None:
        await super().sleep(seconds)
        await asyncio.sleep(PAUSE)

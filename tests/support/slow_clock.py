"""Time that passes fast, and lets others come to their turn meanwhile."""

import asyncio

from tests.support.clock import FakeClock

PAUSE = 0.01
"""Seconds."""


class SlowClock(FakeClock):
    """A sleep takes a moment: for what sleeps again and again until it is told to stop."""

    async def sleep(self, seconds: float) -> None:
        await super().sleep(seconds)
        await asyncio.sleep(PAUSE)

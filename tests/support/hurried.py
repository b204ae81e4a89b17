"""Time for patient code in an impatient test."""

import asyncio

from adapters.system.clock import SystemClock

HURRY = 100


class HurriedClock(SystemClock):
    """Waits a small part of what it is asked to, and counts all of it as having passed.

    What really takes time takes its own: a slow machine uses up nobody's patience sooner.
    """

    def __init__(self) -> None:
        self._skipped = 0.0

    def elapsed(self) -> float:
        return super().elapsed() + self._skipped

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / HURRY)
        self._skipped += seconds - seconds / HURRY

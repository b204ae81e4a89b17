"""A clock that only tests move, and whose sleeps last."""

import asyncio

from tests.support.clock import FakeClock


class StandingClock(FakeClock):
    """For pages, which count from the service's time by a clock of their own."""

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

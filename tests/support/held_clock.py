"""A clock whose sleeps last until the test ends them."""

import asyncio

from tests.support.clock import FakeClock


class HeldClock(FakeClock):
    def __init__(self) -> None:
        super().__init__()
        self._sleeps: list[asyncio.Future[None]] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self._sleeps.append(asyncio.get_running_loop().create_future())
        await self._sleeps[-1]
        self.passed += seconds

    def end_sleeps(self) -> None:
        """End the sleeps that began until now."""
        for sleep in self._sleeps:
            if not sleep.done():
                sleep.set_result(None)

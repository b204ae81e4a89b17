"""Time that stands still until a test says so."""

import asyncio

from tests.support.clock import FakeClock


class FrozenClock(FakeClock):
    """Who sleeps stays asleep: for what would be busy with looking again and again."""

    def __init__(self) -> None:
        super().__init__()
        self._goes_on = asyncio.Event()

    def go_on(self) -> None:
        self._goes_on.set()

    async def sleep(self, seconds: float) -> None:
        await self._goes_on.wait()
        await super().sleep(seconds)

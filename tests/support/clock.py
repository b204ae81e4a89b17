"""A clock that advances only by sleeps and by tests."""

import asyncio
from datetime import UTC, datetime, timedelta

from ports.driven.clock import Clock


class FakeClock(Clock):
    def __init__(self) -> None:
        self.moment = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
        self.passed = 0.0
        self.slept: list[float] = []

    def now(self) -> datetime:
        return self.moment + timedelta(seconds=self.passed)

    def elapsed(self) -> float:
        return self.passed

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.passed += seconds
        await asyncio.sleep(0)

"""Waiting for something real that nobody tells us about."""

import asyncio
from collections.abc import Awaitable, Callable

PATIENCE = 20.0
"""Seconds; no test is about this time."""


async def until(condition: Callable[[], Awaitable[bool]], patience: float = PATIENCE) -> None:
    """Return when `condition` holds. Raises TimeoutError when it never does."""
    async with asyncio.timeout(patience):
        while not await condition():  # noqa: ASYNC110 - there is no event to wait for
            await asyncio.sleep(0.01)


async def moment_of(condition: Callable[[], bool]) -> None:
    """The same, at the first moment, before anybody else gets to know."""
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110 - there is no event to wait for
            await asyncio.sleep(0)

"""Waiting for conditions that have no event."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable

PATIENCE = 60.0
"""Seconds; no test is about this time."""


async def wait_until(
    condition: Callable[[], Awaitable[bool] | object], patience: float = PATIENCE
) -> None:
    """Wait until `condition` holds. Raises TimeoutError."""
    async with asyncio.timeout(patience):
        while not await _evaluate(condition):  # noqa: ASYNC110 - there is no event to wait for
            await asyncio.sleep(0.01)


async def _evaluate(condition: Callable[[], Awaitable[bool] | object]) -> object:
    result = condition()
    return await result if inspect.isawaitable(result) else result


async def wait_without_delay(condition: Callable[[], bool]) -> None:
    """Wait until `condition` holds, without a pause, before other tasks can react."""
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110 - there is no event to wait for
            await asyncio.sleep(0)

"""What has to come to its end although nobody waits for it any more."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

T = TypeVar("T")


async def finished(step: Awaitable[T]) -> T:
    """Await `step` to its end even when the waiting task is cancelled, once or often.

    The step's own error is raised; a cancellation that came meanwhile is passed on afterwards.
    """
    task = asyncio.ensure_future(step)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError as exc:
            cancelled = exc
    result = task.result()
    if cancelled:
        raise cancelled
    return result

"""What has to come to its end although nobody waits for it any more."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

T = TypeVar("T")


async def finished(step: Awaitable[T]) -> T:
    """Await `step` to its end even when the waiting task is cancelled, once or often.

    A cancellation that came meanwhile is passed on afterwards; the step's own error is raised where
    there was none, and else is the cancellation's cause: whoever is cancelled must not go on.
    """
    task = asyncio.ensure_future(step)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError as exc:
            cancelled = exc
    if cancelled:
        raise cancelled from (None if task.cancelled() else task.exception())
    return task.result()

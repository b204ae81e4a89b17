"""Clean-up that a second cancellation cannot cut short."""

import asyncio
from collections.abc import Awaitable


async def finished(step: Awaitable[None]) -> None:
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
    task.result()
    if cancelled:
        raise cancelled

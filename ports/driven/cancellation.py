"""Waits: for steps that run to completion despite a cancellation, and for the first of several."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import Future
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


async def run_to_completion(step: Awaitable[T]) -> T:
    """Await `step` to its end, even if the waiting task is cancelled once or repeatedly.

    A cancellation is raised after the step has ended, so that a cancelled task does not go on. Its
    cause is the step's own error, if there is one. Without a cancellation, the step's own error is
    raised.
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


async def wait_for_job(job: Future[T]) -> T:
    """Await a thread's job to its end, as `run_to_completion` does, without a task, which costs
    several turns of the event loop, and without a copy of the job's future, which costs more than
    a short job. A cancelled job that has not begun is not begun."""
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    job.add_done_callback(lambda _: loop.call_soon_threadsafe(ended.set))
    cancelled: asyncio.CancelledError | None = None
    while not job.done():
        try:
            await ended.wait()
        except asyncio.CancelledError as exc:
            cancelled = exc
            job.cancel()
    if cancelled:
        raise cancelled from (None if job.cancelled() else job.exception())
    return job.result()


async def run_in_thread(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run `function` in a thread. A cancelled caller waits for its end: a thread cannot be stopped,
    and locks must not be released while it works."""
    return await run_to_completion(asyncio.to_thread(function, *args, **kwargs))


async def wait_for_first(*waits: Coroutine[Any, Any, None]) -> None:
    """Return when the first of these waits ends, and cancel the others."""
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

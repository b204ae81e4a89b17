"""The tasks that a test starts."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def recorded_tasks() -> Iterator[list[object]]:
    """Yield the coroutines for which tasks start while the context is open."""
    loop, begun = asyncio.get_running_loop(), list[object]()

    def start(loop: asyncio.AbstractEventLoop, coroutine: Any, **options: Any) -> asyncio.Task[Any]:
        begun.append(coroutine)
        return asyncio.Task(coroutine, loop=loop, **options)

    former = loop.get_task_factory()
    loop.set_task_factory(start)
    try:
        yield begun
    finally:
        loop.set_task_factory(former)

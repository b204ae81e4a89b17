"""Tasks that run besides requests: their start, errors and end."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from structlog.stdlib import BoundLogger

from domain.errors import PgvendError

Job = Callable[[], Coroutine[Any, Any, object]]


class Loop(Protocol):
    """Work that is repeated while the service runs."""

    async def run_forever(self) -> None: ...


class BackgroundTasks:
    """Named background tasks of one application."""

    def __init__(self, log: BoundLogger) -> None:
        self._log = log
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def spawn(self, job: Job, name: str) -> None:
        """Start `job` unless a task with that name is running. Errors are logged."""
        if name not in self._tasks:
            task = asyncio.create_task(self._run(job, name), name=name)
            self._tasks[name] = task
            task.add_done_callback(lambda _: self._tasks.pop(name))

    async def drain(self, seconds: float) -> None:
        """Wait at most this many seconds for running tasks, then cancel them. Never raises."""
        if self._tasks:
            _, late = await asyncio.wait(self._tasks.values(), timeout=seconds)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def _run(self, job: Job, name: str) -> None:
        try:
            await job()
        except PgvendError as error:
            self._log.warning("background.failed", job=name, error=error.code, detail=str(error))
        except Exception:
            self._log.exception("background.crashed", job=name)


async def cancel_task(task: asyncio.Task[None]) -> None:
    """Cancel the task and wait for its end."""
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

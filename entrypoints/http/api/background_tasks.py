"""Tasks that continue after their request was answered."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from structlog.stdlib import BoundLogger

from domain.errors import PgvendError

Work = Callable[[], Coroutine[Any, Any, object]]


class Background:
    """Named background tasks of one application."""

    def __init__(self, log: BoundLogger) -> None:
        self._log = log
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def spawn(self, work: Work, name: str) -> None:
        """Start `work` unless a task with that name is running. Errors are logged."""
        if name not in self._tasks:
            task = asyncio.create_task(self._told(work, name), name=name)
            self._tasks[name] = task
            task.add_done_callback(lambda _: self._tasks.pop(name))

    async def drain(self, patience: float) -> None:
        """Wait at most `patience` seconds for running tasks, then cancel them. Never raises."""
        if self._tasks:
            _, late = await asyncio.wait(self._tasks.values(), timeout=patience)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def _told(self, work: Work, name: str) -> None:
        try:
            await work()
        except PgvendError as error:
            self._log.warning("background.failed", work=name, error=error.code, detail=str(error))
        except Exception:
            self._log.exception("background.crashed", work=name)

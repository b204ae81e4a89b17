"""Work that goes on after its request was answered."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from structlog.typing import FilteringBoundLogger

from domain.errors import PgvendError


class Background:
    def __init__(self, log: FilteringBoundLogger) -> None:
        self._log = log
        self._tasks: set[asyncio.Task[None]] = set()

    def spawn(self, work: Coroutine[Any, Any, None], name: str) -> None:
        """Let `work` run; an error of it is logged."""
        task = asyncio.create_task(self._told(work, name), name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def drain(self, patience: float) -> None:
        """Wait at most `patience` seconds for what runs; cancel what is late. Never raises."""
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=patience)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def _told(self, work: Coroutine[Any, Any, None], name: str) -> None:
        try:
            await work
        except PgvendError as error:
            self._log.warning("background.failed", work=name, error=error.code, detail=str(error))
        except Exception:
            self._log.exception("background.crashed", work=name)

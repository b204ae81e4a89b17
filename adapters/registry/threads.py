"""Calls of a blocking database driver in threads."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import TypeVar, cast

from sqlalchemy import Connection, Engine

from ports.driven.cancellation import run_in_thread, wait_for_job

POOL_TIMEOUT = 30.0
"""Seconds that a call waits for a connection."""

T = TypeVar("T")


class ThreadedEngine:
    """An engine whose connections work in threads of their own.

    A call changes to a thread and back once, however many statements it runs: each change costs
    more than a statement of SQLite. A cancelled call ends in its thread.
    """

    def __init__(self, engine: Engine, connections: int) -> None:
        self.engine = engine
        self._threads = ThreadPoolExecutor(connections, thread_name_prefix="registry")
        self._free = asyncio.Semaphore(connections)

    async def run(self, work: Callable[[Connection], T]) -> T:
        """Run `work` with a connection. Raises TimeoutError if all stay busy."""
        async with self._slot():
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._threads, self._work, work)

    async def run_to_completion(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run `work` with a connection of the driver, to its end even if the caller is cancelled.
        An error ends the transaction. Raises TimeoutError if all connections stay busy."""
        async with self._slot():
            return await wait_for_job(self._threads.submit(self._work_with_driver, work))

    async def dispose(self) -> None:
        """Close the connections after the calls that run."""
        await run_in_thread(self._threads.shutdown)
        self.engine.dispose()

    @asynccontextmanager
    async def _slot(self) -> AsyncIterator[None]:
        if self._free.locked():
            async with asyncio.timeout(POOL_TIMEOUT):
                await self._free.acquire()
        else:
            await self._free.acquire()  # at once
        try:
            yield
        finally:
            self._free.release()

    def _work(self, work: Callable[[Connection], T]) -> T:
        with self.engine.connect() as connection:
            return work(connection)

    def _work_with_driver(self, work: Callable[[sqlite3.Connection], T]) -> T:
        pooled = self.engine.raw_connection()
        try:
            return work(cast("sqlite3.Connection", pooled.driver_connection))
        finally:
            pooled.close()  # the pool rolls back what is open

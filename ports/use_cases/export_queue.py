"""Databases that wait for their export in this process."""

import asyncio
from datetime import timedelta


class ExportQueue:
    """The ids of these databases, first come, first served, each once. The records say durably that
    an export is pending: the reconciler fills the queue again after a restart.

    A database whose export fails is deleted after `patience`.
    """

    def __init__(self, patience: timedelta) -> None:
        self.patience = patience
        self._ids: dict[str, None] = {}
        self._arrival = asyncio.Event()

    def add(self, database_id: str) -> None:
        """Add the database, unless it waits already."""
        self._ids.setdefault(database_id)
        self._arrival.set()

    async def take(self) -> str:
        """Remove the first database and return its id. Wait for one."""
        while not self._ids:
            self._arrival.clear()
            await self._arrival.wait()
        database_id = next(iter(self._ids))
        del self._ids[database_id]
        return database_id

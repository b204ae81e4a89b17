"""The loop that exports expired databases while the service runs."""

import asyncio
from dataclasses import dataclass

from structlog.stdlib import BoundLogger

from domain.errors import PgvendError
from ports.use_cases.export_database import ExportDatabase
from ports.use_cases.export_queue import ExportQueue

AT_ONCE = 2
"""Exports that run at the same time: each reads a whole database, and nobody waits for them."""


@dataclass(frozen=True)
class ExportLoop:
    """Exports the databases that the reconciler adds to the queue. Without `export`, returns at
    once."""

    queue: ExportQueue
    export: ExportDatabase | None
    log: BoundLogger

    async def run_forever(self) -> None:
        if self.export:
            await asyncio.gather(*(self._work(self.export) for _ in range(AT_ONCE)))

    async def _work(self, export: ExportDatabase) -> None:
        while True:
            await self._run(export, await self.queue.take())

    async def _run(self, export: ExportDatabase, database_id: str) -> None:
        log = self.log.bind(id=database_id)
        try:
            database = await export(database_id)
        except PgvendError as error:
            log.warning("export.failed", error=error.code, detail=str(error))
        except Exception:
            log.exception("export.crashed")
        else:
            if database:
                log.info("export.done", database=database.names.database, file=database.export)

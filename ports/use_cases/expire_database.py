"""Expire a database: suspend it for the grace period, then export it if asked, and delete it."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar

from domain.database import Database
from domain.errors import StaleRecord
from domain.lifecycle import Operation, State
from domain.reconciliation import ReconcileAction
from domain.transitions import (
    complete_suspension,
    is_exporting,
    is_suspending,
    start_expiry,
)
from ports.driven.clock import Clock
from ports.driven.database_provider import DatabaseProvider
from ports.driven.leases import Leases
from ports.driven.registry import Registry
from ports.use_cases.delete_database import DeleteDatabase
from ports.use_cases.export_queue import ExportQueue
from ports.use_cases.records import attempt, confirm_that, update_record


@dataclass(frozen=True, kw_only=True)
class ExpireDatabase:
    """An expired database can be restored until `grace` has passed after its expiry. Then it is
    deleted, or waits in `exports` for its export; None exports nothing."""

    actions: ClassVar = frozenset({ReconcileAction.EXPIRE})

    registry: Registry
    provider: DatabaseProvider
    leases: Leases
    delete: DeleteDatabase
    clock: Clock
    grace: timedelta
    exports: ExportQueue | None

    async def finish(self, database_id: str) -> bool:
        """Suspend or delete the database as its expiry requires. Return whether this call did so.
        Idempotent."""
        async with self.leases.acquire(database_id) as is_acquired:
            if not is_acquired:
                return False
            database = await self._start(database_id)
            if database.state is State.DELETING:
                await self.delete.complete(database)
                return True
            if is_suspending(database, self.clock.now()):
                await self._suspend(database)
                return True
        self._request_export(database)  # which begins at once, and needs the lease
        return False

    async def _start(self, database_id: str) -> Database:
        """Return the record with the operation started that the expiry requires, if any."""
        patience = self.exports.patience if self.exports else None
        return await update_record(
            self.registry,
            database_id,
            lambda current: start_expiry(current, self.clock.now(), self.grace, patience),
        )

    def _request_export(self, database: Database) -> None:
        """Leave the export to the queue: it takes long, and others that are due must not wait."""
        if self.exports and is_exporting(database, self.clock.now()):
            self.exports.add(database.id)

    async def _suspend(self, database: Database) -> None:
        confirm = confirm_that(
            lambda current: is_suspending(current, self.clock.now()), self.registry, database
        )
        with suppress(StaleRecord):  # restored or deleted meanwhile
            async with attempt(self.registry, self.clock, database, Operation.SUSPEND):
                await self.provider.suspend(database.tenant, confirm)
        await update_record(
            self.registry,
            database.id,
            lambda current: complete_suspension(current, self.clock.now(), self.grace),
        )

"""Delete a database: record the request at once, delete in the background."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from domain.availability import check_target
from domain.callers import ANYONE, Caller
from domain.database import Database
from domain.lifecycle import Operation, State
from domain.reconciliation import ReconcileAction
from domain.targets import Target
from domain.transitions import start_deletion
from ports.driven.clock import Clock
from ports.driven.database_provider import DatabaseProvider
from ports.driven.leases import Leases
from ports.driven.registry import Registry
from ports.use_cases.deletion_pace import DeletionPace
from ports.use_cases.pending_event import PendingEvent
from ports.use_cases.records import attempt, check_visible, update_record

Check = Callable[[Caller, Database], Database]
"""Returns the record, or raises if the caller may not delete its database."""

POLL_INTERVAL = 0.5
"""Seconds between two attempts to acquire the lease of a database that is to be deleted."""


@dataclass(frozen=True, kw_only=True)
class DeleteDatabase:
    actions: ClassVar = frozenset({ReconcileAction.DELETE})

    registry: Registry
    provider: DatabaseProvider
    leases: Leases
    clock: Clock
    target: Target
    pace: DeletionPace

    async def request(
        self,
        database_id: str,
        caller: Caller = ANYONE,
        event: PendingEvent | None = None,
        *,
        check: Check = check_visible,
    ) -> Database:
        """Record that the database is to be deleted, with the audit event. It never becomes ready
        again. `wait_until_deleted` deletes it.

        Idempotent: the record of a database that is being deleted, or is gone, stays as it is.
        Raises DatabaseNotFound, OtherTarget, and what `check` raises for the caller and the record.
        """

        def record_request(database: Database) -> Database | None:
            check(caller, database)
            if database.is_missing:  # if it reappears, the reconciler deletes it
                return database.complete(Operation.DELETE, self.clock.now())
            if database.is_gone:
                return None
            check_target(database, self.target)
            if database.state is State.DELETING:
                return None
            return start_deletion(database, self.clock.now())

        return await update_record(self.registry, database_id, record_request, event)

    async def wait_until_deleted(self, database_id: str) -> None:
        """Delete the database if its deletion was requested. Wait for operations that are running
        on it, such as a rotation. Raises what `finish` raises."""
        while (await self.registry.get(database_id)).state is State.DELETING:
            if await self.finish(database_id):
                return
            await self.clock.sleep(POLL_INTERVAL)

    async def finish(self, database_id: str) -> bool:
        """Delete the database if its deletion was requested and nothing else holds its lease.
        Return whether this call deleted it. Idempotent; after an error the deletion stays pending,
        and the reconciler retries it. Deletions run at a pace that leaves room for creations."""
        async with self.pace.turn(), self.leases.acquire(database_id) as is_acquired:
            if not is_acquired:
                return False
            database = await self.registry.get(database_id)
            if database.state is not State.DELETING:
                return False
            await self.complete(database)
            return True

    async def complete(self, database: Database) -> None:
        """Delete the database on the provider and record the result. The caller of this method
        holds the lease."""
        async with attempt(self.registry, self.clock, database, Operation.DELETE):
            await self.provider.delete(database.tenant)
        await update_record(self.registry, database.id, self._record_deletion)

    def _record_deletion(self, database: Database) -> Database | None:
        is_open = database.state is State.DELETING  # another replica may have completed it
        return database.finish_deletion(self.clock.now()) if is_open else None

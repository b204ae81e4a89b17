"""Export an expired database into a file, then delete it."""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from domain.audit import SYSTEM_CALLER, AuditEvent
from domain.database import Database
from domain.errors import DatabaseNotFound, ExportFailed, PgvendError, StaleRecord
from domain.exports import build_file_name, find_deadline
from domain.lifecycle import Operation, State
from domain.provisioning import Confirm
from domain.reconciliation import ReconcileAction
from domain.transitions import complete_export, is_exporting, start_deletion
from ports.driven.cancellation import run_to_completion
from ports.driven.clock import Clock
from ports.driven.exporter import Exporter
from ports.driven.leases import Leases
from ports.driven.metrics import CANCELLED, DONE, NO_METRICS, Metrics, describe_outcome
from ports.driven.registry import Registry
from ports.use_cases.audit_events import AuditEvents
from ports.use_cases.delete_database import DeleteDatabase
from ports.use_cases.records import Change, attempt, confirm_that, update_record

POLL_INTERVAL = 5.0
"""Seconds between two checks that an export is still wanted: its database can be deleted."""


@dataclass(frozen=True, kw_only=True)
class ExportDatabase:
    """A database whose export fails is kept, and deleted without one after `patience`: its owner
    could make dumps fail for ever."""

    registry: Registry
    exporter: Exporter
    leases: Leases
    clock: Clock
    delete: DeleteDatabase
    audit: AuditEvents
    patience: timedelta
    metrics: Metrics = NO_METRICS

    async def __call__(self, database_id: str) -> Database | None:
        """Export the database if that is pending, and delete it. Return its record, or None if this
        call exported nothing. Idempotent; after an error the export stays pending, and the
        reconciler requests it again after a pause.

        Raises ExportFailed, and what the exporter and a deletion raise.
        """
        async with self.leases.acquire(database_id) as is_acquired:
            database = await self.registry.get(database_id)
            if not is_acquired or not is_exporting(database, self.clock.now()):
                return None
            exported = await self._export(database)
            if exported is None or exported.state is not State.DELETING:
                return None
            await self.delete.complete(exported)
            return await self.registry.get(database_id)

    async def _export(self, database: Database) -> Database | None:
        """Return the record that is to be deleted; None if the export is not wanted any more."""
        file = build_file_name(database)
        async with attempt(self.registry, self.clock, database, Operation.EXPORT):
            try:
                if not await self._dump_while_wanted(database, file):
                    await self.exporter.remove(file)
                    return None
            except StaleRecord:  # restored or deleted before the dump began
                return None
            except DatabaseNotFound as error:
                return await self._give_up(database, str(error))
            except ExportFailed as error:
                raise self._explain(database, error) from error
        exported = await self._record(
            database, lambda current: complete_export(current, self.clock.now(), file)
        )
        if exported.export != file:  # restored or deleted in the last moment
            await self.exporter.remove(file)
        return exported

    async def _give_up(self, database: Database, reason: str) -> Database:
        """Record that nothing is left to export."""

        def give_up(current: Database) -> Database | None:
            now = self.clock.now()
            failed = current.fail(Operation.EXPORT, now, reason)
            return start_deletion(failed, now) if is_exporting(current, now) else None

        return await self._record(database, give_up)

    def _explain(self, database: Database, error: ExportFailed) -> ExportFailed:
        deadline = find_deadline(database, self.patience)
        return ExportFailed(
            f"{error} The export is tried again; from {deadline:%Y-%m-%d %H:%M} UTC on, the "
            "database is deleted without one."
        )

    async def _record(self, database: Database, change: Change) -> Database:
        """Change the record, with the audit event of the deletion."""
        action = f"reconcile.{ReconcileAction.EXPIRE}"
        event = AuditEvent(caller=SYSTEM_CALLER, action=action, subject=database.id)
        return await update_record(self.registry, database.id, change, self.audit.prepare(event))

    async def _dump_while_wanted(self, database: Database, file: str) -> bool:
        """Dump the database. Stop when it is restored or deleted meanwhile, and return whether the
        dump is complete."""
        started_at, outcome = self.clock.elapsed(), CANCELLED
        try:
            dump = self.exporter.export(database.tenant, file, self._confirm(database))
            is_complete = await _run_until(dump, self._wait_until_unwanted(database.id))
            outcome = DONE if is_complete else CANCELLED
        except BaseException as error:
            outcome = describe_outcome(error)
            raise
        finally:
            self.metrics.count_export(outcome, self.clock.elapsed() - started_at)
        return is_complete

    def _confirm(self, database: Database) -> Confirm:
        return confirm_that(
            lambda current: is_exporting(current, self.clock.now()), self.registry, database
        )

    async def _wait_until_unwanted(self, database_id: str) -> None:
        is_wanted = True
        while is_wanted:
            await self.clock.sleep(POLL_INTERVAL)
            with suppress(PgvendError):  # the registry may be out of reach for a while
                database = await self.registry.get(database_id)
                is_wanted = is_exporting(database, self.clock.now())


async def _run_until(work: Coroutine[Any, Any, object], end: Coroutine[Any, Any, None]) -> bool:
    """Run the work, and cancel it at the end. Return whether it was completed. Raises its error."""
    tasks: list[asyncio.Future[Any]] = [asyncio.ensure_future(each) for each in (work, end)]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await run_to_completion(asyncio.gather(*tasks, return_exceptions=True))
    if tasks[0].cancelled():
        return False
    tasks[0].result()
    return True

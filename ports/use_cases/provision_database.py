"""Provision a recorded database: make it exist, verify it, or undo it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, asynccontextmanager, suppress
from dataclasses import dataclass
from itertools import chain

from domain.connection import Connection
from domain.database import Database
from domain.errors import (
    InFlight,
    NameTaken,
    PgvendError,
    SpareBroken,
    StaleRecord,
    Unavailable,
)
from domain.lifecycle import Operation, State
from domain.passwords import PasswordDeriver
from domain.provisioning import Confirm
from domain.spares import is_same_creation
from ports.driven.cancellation import run_to_completion
from ports.driven.clock import Clock
from ports.driven.database_provider import DatabaseProvider
from ports.driven.login_check import LoginCheck
from ports.driven.metrics import NO_METRICS, CreationPath, Metrics
from ports.driven.randomness import Randomness
from ports.driven.registry import Registry
from ports.use_cases.creation_meter import find_path, measure_creation
from ports.use_cases.delete_database import DeleteDatabase
from ports.use_cases.find_source import explain_missing_source, get_source
from ports.use_cases.pending_event import PendingEvent, storing
from ports.use_cases.provisioned_database import ProvisionedDatabase
from ports.use_cases.record_creation import RecordCreation, explain_name_taken
from ports.use_cases.records import confirm_that, describe_error, draw_nonce, update_record


@dataclass(frozen=True, kw_only=True)
class ProvisionDatabase:
    """Record the database if it is new, provision it, and verify a login.

    After an error nothing of the database is left, with two exceptions. A database that became
    ready stays and is listed. A resumable one whose call was cancelled is finished by the
    reconciler. Where the clean-up fails, the record says `deleting` (or `provisioning` if the
    registry is unavailable), and the reconciler deletes the database.
    """

    registry: Registry
    record: RecordCreation
    provider: DatabaseProvider
    login_check: LoginCheck
    delete: DeleteDatabase
    clock: Clock
    randomness: Randomness
    passwords: PasswordDeriver
    metrics: Metrics = NO_METRICS

    async def __call__(
        self, database: Database, quota: int | None = None, event: PendingEvent | None = None
    ) -> ProvisionedDatabase:
        """Return the database, ready. The caller of this method holds the lease. A database without
        a version is recorded first, within the caller's quota. The event is stored together with
        the record of the ready database."""
        async with self._undo_on_error(database):
            if database.version:
                return await self._provision_again(database, event)
            return await self._provision_and_verify(await self.record(database, quota), event)

    async def finish_claim(
        self, database: Database, event: PendingEvent | None = None
    ) -> ProvisionedDatabase:
        """Return the database of a claimed spare, ready. The caller of this method holds the lease,
        and has recorded the claim. A login is not needed: it worked when the spare was filled, and
        the password stays."""
        async with self._undo_on_error(database):
            with suppress(SpareBroken), self._measure(CreationPath.POOLED):
                database, connection = await self._provision(database, claims=True)
                return await self._complete(database, Operation.PROVISION, connection, event)
            return await self._replace_spare(database.id, event)

    async def undo(self, database_id: str, reason: str, draft: Database | None = None) -> None:
        """Delete a database that could not be provisioned, and record the reason. With a draft,
        leave the record of any other creation as it is.

        The record changes first, so that no other process makes the database ready. A missing
        record means that nothing was provisioned; a ready one, that the database was finished in
        time. Where its deletion was requested meanwhile, this delete covers parts that were
        provisioned after that deletion.
        """

        def abandon(database: Database) -> Database | None:
            is_ours = draft is None or is_same_creation(database, draft)
            is_open = is_ours and database.state is State.PROVISIONING
            return database.abandon(self.clock.now(), reason) if is_open else None

        database = await update_record(self.registry, database_id, abandon)
        if database.state is State.DELETING or database.is_gone:
            await self.delete.complete(database)

    async def undo_after(self, error: BaseException, draft: Database) -> None:
        """Undo the creation after this error, if it was recorded. If this process stops, leave a
        resumable one to the next process. Never raises: the caller gets the original error, and
        the reconciler retries."""
        is_stopping = isinstance(error, asyncio.CancelledError)
        if not (is_stopping and draft.resumable):
            await run_to_completion(self._try_undo(draft, describe_error(error)))

    @asynccontextmanager
    async def _undo_on_error(self, database: Database) -> AsyncIterator[None]:
        try:
            yield
        except StaleRecord as error:
            raise await run_to_completion(self._explain_conflict(database)) from error
        except BaseException as error:
            await self.undo_after(error, database)
            raise

    async def _replace_spare(
        self, database_id: str, event: PendingEvent | None
    ) -> ProvisionedDatabase:
        """Provision the database of a broken spare in the ordinary way, under the same id."""
        database = await self.registry.get(database_id)
        if database.state is not State.PROVISIONING:  # deleted meanwhile
            raise StaleRecord
        await self.provider.delete(database.tenant, self._confirm_unchanged(database))
        return await self._provision_again(database, event)

    async def _provision_again(
        self, database: Database, event: PendingEvent | None
    ) -> ProvisionedDatabase:
        """Provision a database with another password: a restored registry may hold a revoked one,
        and a new one was never handed out."""
        nonce = draw_nonce(self.randomness)
        database = await self.registry.update(database.with_new_password(self.passwords, nonce))
        return await self._provision_and_verify(database, event)

    async def _provision_and_verify(
        self, database: Database, event: PendingEvent | None
    ) -> ProvisionedDatabase:
        with self._measure(find_path(database)):
            database, connection = await self._provision(database)
            database = await self._verify(database, connection)
            return await self._complete(database, Operation.VERIFY, connection, event)

    def _measure(self, path: CreationPath) -> AbstractContextManager[None]:
        return measure_creation(self.metrics, self.clock, path)

    async def _provision(
        self, database: Database, *, claims: bool = False
    ) -> tuple[Database, Connection]:
        """Provision the database under the first name that the provider has free. Raises
        NameTaken, and what `get_source` raises."""
        source = None if claims else await get_source(self.registry, database)
        for names in chain([database.names], self.record.draw_names(database)):
            if names != database.names:
                try:
                    database = await self.registry.update(database.rename(names))
                except NameTaken:
                    continue
            request = database.to_provision_request(
                self.passwords, source, self._confirm_unchanged(database), claims=claims
            )
            try:
                async with explain_missing_source(self.registry, database):
                    return database, await self.provider.provision(request)
            except NameTaken:
                if not claims:  # a claim changes everything at once, or nothing
                    await self.provider.delete(database.tenant, self._confirm_unchanged(database))
        raise explain_name_taken(database)

    def _confirm_unchanged(self, database: Database) -> Confirm:
        return confirm_that(
            lambda current: current.version == database.version, self.registry, database
        )

    async def _verify(self, database: Database, connection: Connection) -> Database:
        """Return the record, after a login that worked. A login leaves nothing behind after a
        crash, so its step is stored with the next change; at once only if the login fails. Raises
        StaleRecord if the database was deleted meanwhile, which explains the failure."""
        database = database.complete(Operation.PROVISION, self.clock.now())
        database = database.start(Operation.VERIFY, self.clock.now())
        try:
            await self.login_check.verify(connection)
        except PgvendError:
            await self.registry.update(database)
            raise
        return database

    async def _complete(
        self,
        database: Database,
        operation: Operation,
        connection: Connection,
        event: PendingEvent | None,
    ) -> ProvisionedDatabase:
        """Record the last operation and the state `ready`, together with the event."""
        database = database.transition_to(State.READY).complete(operation, self.clock.now())
        with storing(event, database) as stored:
            database = await self.registry.update(database, event=stored)
        return ProvisionedDatabase(database=database, connection=connection)

    async def _explain_conflict(self, draft: Database) -> PgvendError:
        """Return the error for a record that changed while this call worked on it. Either its
        deletion was requested, or this process lost its lease and another replica finished or undid
        the work."""
        database = await self.registry.get(draft.id)
        if not (database.is_gone or database.state is State.DELETING):
            return InFlight("Another replica is working on the same request; retry soon.")
        await self._try_undo(database, "")
        if database.was_abandoned:
            return Unavailable("The request was interrupted and rolled back; retry it.")
        return StaleRecord(f"Database {database.id} was deleted while it was being created.")

    async def _try_undo(self, draft: Database, reason: str) -> None:
        with suppress(Exception):
            await self.undo(draft.id, reason, draft)

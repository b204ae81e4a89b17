"""Provision a recorded database: make it exist, verify it, or undo it."""

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain

from domain.connection import Connection
from domain.database import Database
from domain.errors import (
    InFlight,
    NameTaken,
    PgvendError,
    ProviderRejected,
    StaleRecord,
    Unavailable,
)
from domain.lifecycle import Operation, State
from domain.names import SUFFIX_ALPHABET, SUFFIX_LENGTH, PgNames
from domain.passwords import PasswordDeriver
from ports.driven.cancellation import run_to_completion
from ports.driven.clock import Clock
from ports.driven.database_provider import DatabaseProvider
from ports.driven.login_check import LoginCheck
from ports.driven.randomness import Randomness
from ports.driven.registry import Registry
from ports.use_cases.delete_database import DeleteDatabase
from ports.use_cases.provisioned_database import ProvisionedDatabase
from ports.use_cases.records import describe_error, draw_nonce, update_record

MAX_SUFFIXES = 7
"""Suffixes tried for one nickname. There are 36^6 of them: the second one is rarely needed."""


@dataclass(frozen=True, kw_only=True)
class ProvisionDatabase:
    """Record the database, provision it, and verify a login.

    After an error nothing of the database is left, with two exceptions. A database that became
    ready stays and is listed. A resumable one whose call was cancelled is finished by the
    reconciler. Where the clean-up fails, the record says `deleting` (or `provisioning` if the
    registry is unavailable), and the reconciler deletes the database.
    """

    registry: Registry
    provider: DatabaseProvider
    login_check: LoginCheck
    delete: DeleteDatabase
    clock: Clock
    randomness: Randomness
    passwords: PasswordDeriver

    async def record(self, database: Database, quota: int | None = None) -> Database:
        """Add the record under the first name that no other record has. Raises NameTaken,
        QuotaReached, and RequestAlreadyRecorded when the same request was recorded meanwhile."""
        if not database.nickname.is_reserved():
            with suppress(NameTaken):
                return await self.registry.add(database, quota)
        for names in self._draw_names(database):
            with suppress(NameTaken):
                return await self.registry.add(database.rename(names), quota)
        raise _explain_name_taken(database)

    async def __call__(self, database: Database, quota: int | None = None) -> ProvisionedDatabase:
        """Return the database, ready. The caller of this method holds the lease. A database without
        a version is recorded first, within the caller's quota."""
        try:
            if not database.version:
                database = await self.record(database, quota)
            else:  # a restored registry may hold a revoked password; a new one was never handed out
                nonce = draw_nonce(self.randomness)
                database = await self.registry.update(
                    database.with_new_password(self.passwords, nonce)
                )
            database, connection = await self._provision(database)
            return await self._verify(database, connection)
        except StaleRecord as error:
            raise await run_to_completion(self._explain_conflict(database.id)) from error
        except BaseException as error:
            is_stopping = isinstance(error, asyncio.CancelledError)
            if not (is_stopping and database.resumable):  # else the next process finishes it
                await run_to_completion(self._try_undo(database.id, describe_error(error)))
            raise

    async def undo(self, database_id: str, reason: str) -> None:
        """Delete a database that could not be provisioned, and record the reason.

        The record changes first, so that no other process makes the database ready. A missing
        record means that nothing was provisioned; a ready one, that the database was finished in
        time. Where its deletion was requested meanwhile, this delete covers parts that were
        provisioned after that deletion.
        """

        def abandon(database: Database) -> Database | None:
            is_open = database.state is State.PROVISIONING
            return database.abandon(self.clock.now(), reason) if is_open else None

        database = await update_record(self.registry, database_id, abandon)
        if database.state is State.DELETING or database.is_gone:
            await self.delete.complete(database)

    def _draw_names(self, database: Database) -> Iterator[PgNames]:
        for _ in range(MAX_SUFFIXES if database.suffixable else 0):
            suffix = self.randomness.suffix(SUFFIX_ALPHABET, SUFFIX_LENGTH)
            yield database.nickname.derive_names(suffix)

    async def _provision(self, database: Database) -> tuple[Database, Connection]:
        """Provision the database under the first name that the provider has free. Raises
        NameTaken."""
        for names in chain([database.names], self._draw_names(database)):
            if names != database.names:
                try:
                    database = await self.registry.update(database.rename(names))
                except NameTaken:
                    continue
            try:
                return database, await self.provider.provision(
                    database.to_provision_request(self.passwords)
                )
            except NameTaken:
                await self.provider.delete(database.tenant)
        raise _explain_name_taken(database)

    async def _verify(self, database: Database, connection: Connection) -> ProvisionedDatabase:
        database = database.complete(Operation.PROVISION, self.clock.now())
        database = await self.registry.update(database.start(Operation.VERIFY, self.clock.now()))
        try:
            await self.login_check.verify(connection)
        except ProviderRejected as error:
            current = await self.registry.get(database.id)
            if current.version != database.version:  # deleted meanwhile, which explains the refusal
                raise StaleRecord from error
            raise
        database = database.transition_to(State.READY).complete(Operation.VERIFY, self.clock.now())
        return ProvisionedDatabase(
            database=await self.registry.update(database), connection=connection
        )

    async def _explain_conflict(self, database_id: str) -> PgvendError:
        """Return the error for a record that changed while this call worked on it. Either its
        deletion was requested, or this process lost its lease and another replica finished or undid
        the work."""
        database = await self.registry.get(database_id)
        if not (database.is_gone or database.state is State.DELETING):
            return InFlight("Another replica is working on the same request; retry soon.")
        await self._try_undo(database_id, "")
        if database.was_abandoned:
            return Unavailable("The request was interrupted and rolled back; retry it.")
        return StaleRecord(f"Database {database_id} was deleted while it was being created.")

    async def _try_undo(self, database_id: str, reason: str) -> None:
        """Undo without raising: the caller gets the original error, and the reconciler retries."""
        with suppress(Exception):
            await self.undo(database_id, reason)


def _explain_name_taken(database: Database) -> NameTaken:
    name = database.nickname.base
    return NameTaken(f"The name {name!r} is reserved or in use; choose another nickname.")

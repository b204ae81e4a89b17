"""From the intent to a database that works, or to nothing."""

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

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
from domain.naming import SUFFIX_ALPHABET, SUFFIX_LENGTH, Names, Nickname
from domain.passwords import PasswordDeriver
from domain.states import State
from domain.steps import Work
from ports.cancellation import finished
from ports.driven.clock import Clock
from ports.driven.database_provider import DatabaseProvider
from ports.driven.login_check import LoginCheck
from ports.driven.randomness import Randomness
from ports.driven.registry import Registry
from ports.driving.delete import DeleteDatabase
from ports.driving.vended import Vended
from ports.records import changed, drawn_nonce, told

MAX_SUFFIXES = 7
"""Suffixes tried for one nickname. With 36^6 of them a second is rare, a third an accident."""


@dataclass(frozen=True, kw_only=True)
class MakeDatabase:
    """Record the intent, make the database, prove that it works.

    When it raises, nothing of the database is left, unless it was ready by then, which stays and is
    listed, or was promised and the call cancelled: the sweep goes on with that one. Where the
    clean-up failed, the record says `deleting` (or, with the registry gone, `provisioning`), and
    the sweep goes on with it.
    """

    registry: Registry
    provider: DatabaseProvider
    login_check: LoginCheck
    delete: DeleteDatabase
    clock: Clock
    randomness: Randomness
    passwords: PasswordDeriver

    async def record(self, database: Database, quota: int | None = None) -> Database:
        """The intent, under the first name that no other record has. Raises NameTaken,
        QuotaReached, and RequestKnown when the same request was recorded meanwhile."""
        nickname = Nickname(database.nickname)
        if not nickname.is_reserved():
            with suppress(NameTaken):
                return await self.registry.add(database, quota)
        for names in self._suffixed(database):
            with suppress(NameTaken):
                return await self.registry.add(database.renamed(names), quota)
        raise _taken(database)

    async def __call__(self, database: Database, quota: int | None = None) -> Vended:
        """For whoever holds the lease: the database, ready. What has no version yet is recorded
        first, within the caller's quota."""
        try:
            if not database.version:
                database = await self.record(database, quota)
            else:  # a restored record's password may be revoked; nobody has been told a new one's
                nonce = drawn_nonce(self.randomness)
                database = await self.registry.update(database.rekeyed(self.passwords, nonce))
            database, connection = await self._provisioned(database)
            return await self._ready(database, connection)
        except StaleRecord as error:
            raise await finished(self._overtaken(database.id)) from error
        except BaseException as error:
            is_stopping = isinstance(error, asyncio.CancelledError)
            if not (is_stopping and database.promised):  # else the next start goes on with it
                await finished(self._give_up(database.id, told(error)))
            raise

    async def undo(self, database_id: str, reason: str) -> None:
        """Drop what a vend made that came to nothing, and say so in the record.

        The record comes first: once it says that the database is to go, nobody makes it ready. One
        that is not there means that nothing was made. One that is ready was finished in time. Where
        somebody asked for its end meanwhile, this vend may have made it after that was done.
        """

        def given_up(database: Database) -> Database | None:
            is_open = database.state is State.PROVISIONING
            return database.given_up(self.clock.now(), reason) if is_open else None

        database = await changed(self.registry, database_id, given_up)
        if database.state is State.DELETING or database.is_gone:
            await self.delete.drop(database)

    def _suffixed(self, database: Database) -> Iterator[Names]:
        for _ in range(MAX_SUFFIXES if database.suffixable else 0):
            suffix = self.randomness.suffix(SUFFIX_ALPHABET, SUFFIX_LENGTH)
            yield Nickname(database.nickname).names(suffix)

    async def _provisioned(self, database: Database) -> tuple[Database, Connection]:
        """The database under the first name that is free on the provider too. Raises NameTaken."""
        for names in (database.names, *self._suffixed(database)):
            if names != database.names:
                try:
                    database = await self.registry.update(database.renamed(names))
                except NameTaken:
                    continue
            try:
                return database, await self.provider.provision(database.order(self.passwords))
            except NameTaken:
                await self.provider.delete(database.tenant)
        raise _taken(database)

    async def _ready(self, database: Database, connection: Connection) -> Vended:
        database = database.did(Work.PROVISION, self.clock.now())
        database = await self.registry.update(database.began(Work.VERIFY, self.clock.now()))
        try:
            await self.login_check.verify(connection)
        except ProviderRejected as error:
            current = await self.registry.get(database.id)
            if current.version != database.version:  # it was dropped, and then is refused
                raise StaleRecord from error
            raise
        database = database.moved(State.READY).did(Work.VERIFY, self.clock.now())
        return Vended(database=await self.registry.update(database), connection=connection)

    async def _overtaken(self, database_id: str) -> PgvendError:
        """What it means that the record changed amid our work: somebody asked for its end; or our
        lease was lost, and another replica finishes the work, or has undone it."""
        database = await self.registry.get(database_id)
        if not (database.is_gone or database.state is State.DELETING):
            return InFlight("Another replica is at work on the same request; repeat it soon.")
        await self._give_up(database_id, "")
        if database.was_given_up:
            return Unavailable("It was taken for left behind, and undone; repeat the request.")
        return StaleRecord(f"Database {database_id} was deleted while it was made.")

    async def _give_up(self, database_id: str, reason: str) -> None:
        """As `undo`, but never raises: the vend's own error counts, and the sweep goes on."""
        with suppress(Exception):
            await self.undo(database_id, reason)


def _taken(database: Database) -> NameTaken:
    name = Nickname(database.nickname).base()
    return NameTaken(f"The name {name!r} is reserved or in use; choose another nickname.")

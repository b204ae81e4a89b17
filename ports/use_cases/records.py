"""Helpers of use cases that read and change records."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

from domain.callers import Caller
from domain.database import Database
from domain.errors import DatabaseNotFound, PgvendError, StaleRecord
from domain.lifecycle import Work
from domain.passwords import NONCE_BYTES, PasswordDeriver, new_nonce
from ports.driven.clock import Clock
from ports.driven.randomness import Randomness
from ports.driven.registry import Query, Registry

Change = Callable[[Database], Database | None]
"""Returns the changed record, or None to leave it unchanged. May raise."""


async def record_of(registry: Registry, database_id: str, caller: Caller) -> Database:
    """Return the caller's record of that id. Raises DatabaseNotFound, also for another caller's."""
    return seen_by(caller, await registry.get(database_id))


def seen_by(caller: Caller, database: Database) -> Database:
    """Return the record. Raises DatabaseNotFound if it belongs to another caller."""
    if not caller.sees(database.caller):
        raise DatabaseNotFound(f"There is no database {database.id!r}.")
    return database


async def every(registry: Registry, query: Query) -> list[Database]:
    """Return all records that match, by descending id, read in pages of `query.limit`."""
    records: list[Database] = []
    while True:
        page = await registry.search(query)
        records += page
        if len(page) < query.limit:
            return records
        query = replace(query, before=page[-1].id)


async def changed(registry: Registry, database_id: str, change: Change) -> Database:
    """Apply `change` to the record and return the result; if the record changed meanwhile, apply it
    again. Raises DatabaseNotFound, and what `change` raises."""
    while True:
        database = await registry.get(database_id)
        wanted = change(database)
        if wanted is None:
            return database
        try:
            return await registry.update(wanted)
        except StaleRecord:
            continue


async def keyed(
    registry: Registry, database: Database, passwords: PasswordDeriver, randomness: Randomness
) -> Database:
    """Return the record with a password that can be derived: a new one if the secret of the current
    one is unknown. Raises DatabaseNotFound."""
    if passwords.knows(database.secret):
        return database
    return await rekeyed(registry, database, passwords, randomness)


async def rekeyed(
    registry: Registry, database: Database, passwords: PasswordDeriver, randomness: Randomness
) -> Database:
    """Change the record to a new password, which was never set. Raises DatabaseNotFound."""
    nonce = drawn_nonce(randomness)
    return await changed(registry, database.id, lambda current: current.rekeyed(passwords, nonce))


def drawn_nonce(randomness: Randomness) -> str:
    return new_nonce(randomness.entropy(NONCE_BYTES))


@asynccontextmanager
async def attempt(
    registry: Registry, clock: Clock, database: Database, work: Work
) -> AsyncIterator[None]:
    """A context whose body performs the operation. Its error is recorded, with the time of the next
    attempt, unless the database changed its state meanwhile."""
    try:
        yield
    except BaseException as error:
        message = told(error)

        def fail(current: Database) -> Database | None:
            is_same = current.state is database.state and current.is_pending(work)
            return current.missed(work, clock.now(), message) if is_same else None

        with suppress(PgvendError):  # the operation stays pending even so
            await changed(registry, database.id, fail)
        raise


@asynccontextmanager
async def still_there(registry: Registry, clock: Clock, database_id: str) -> AsyncIterator[None]:
    """A context whose body needs the database on the provider. If the database was removed
    meanwhile, raise the error that its record explains: IllegalTransition, or DatabaseNotFound if
    the record says that the database is ready."""
    try:
        yield
    except DatabaseNotFound:
        (await registry.get(database_id)).check_usable(clock.now())
        raise


def told(error: BaseException) -> str:
    """Return the text that a record stores about the error. Only our own errors are free of
    secrets."""
    return str(error) if isinstance(error, PgvendError) else "It was interrupted; see the log."

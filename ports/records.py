"""Reading and changing records, as every use case does it."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

from domain.caller import Caller
from domain.database import Database
from domain.errors import DatabaseNotFound, PgvendError, StaleRecord
from domain.passwords import NONCE_BYTES, PasswordDeriver, new_nonce
from domain.steps import Work
from ports.driven.clock import Clock
from ports.driven.randomness import Randomness
from ports.driven.registry import Query, Registry

Change = Callable[[Database], Database | None]
"""The record as it is to be, or None where there is nothing to change; may raise."""


async def record_of(registry: Registry, database_id: str, caller: Caller) -> Database:
    """The caller's record of that id. Raises DatabaseNotFound, for somebody else's too."""
    return seen_by(caller, await registry.get(database_id))


def seen_by(caller: Caller, database: Database) -> Database:
    """The same record. Raises DatabaseNotFound when it is somebody else's."""
    if not caller.sees(database.caller):
        raise DatabaseNotFound(f"There is no database {database.id!r}.")
    return database


async def every(registry: Registry, query: Query) -> list[Database]:
    """All records that match, by descending id, asked for `query.limit` at a time."""
    records: list[Database] = []
    while True:
        page = await registry.search(query)
        records += page
        if len(page) < query.limit:
            return records
        query = replace(query, before=page[-1].id)


async def changed(registry: Registry, database_id: str, change: Change) -> Database:
    """The record after `change`, which is asked again when the record changed meanwhile. Raises
    DatabaseNotFound, and what `change` raises."""
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
    """Return the record with a password that can be set: another one where nobody has the secret
    that it came from. Raises DatabaseNotFound."""
    if passwords.knows(database.secret):
        return database
    return await rekeyed(registry, database, passwords, randomness)


async def rekeyed(
    registry: Registry, database: Database, passwords: PasswordDeriver, randomness: Randomness
) -> Database:
    """Return the record with another password, which was never set. Raises DatabaseNotFound."""
    nonce = drawn_nonce(randomness)
    return await changed(registry, database.id, lambda current: current.rekeyed(passwords, nonce))


def drawn_nonce(randomness: Randomness) -> str:
    return new_nonce(randomness.entropy(NONCE_BYTES))


@asynccontextmanager
async def attempt(
    registry: Registry, clock: Clock, database: Database, work: Work
) -> AsyncIterator[None]:
    """The body does that work: an error of it is kept in the record, and says when to try again.

    Nothing is kept when the database came into another state meanwhile.
    """
    try:
        yield
    except BaseException as error:
        message = told(error)

        def missed(current: Database) -> Database | None:
            is_same = current.state is database.state and current.is_pending(work)
            return current.missed(work, clock.now(), message) if is_same else None

        with suppress(PgvendError):  # else the work is pending all the same
            await changed(registry, database.id, missed)
        raise


@asynccontextmanager
async def still_there(registry: Registry, clock: Clock, database_id: str) -> AsyncIterator[None]:
    """The body needs what is on the provider: where that went meanwhile, the record says why.

    Raises IllegalTransition then; DatabaseNotFound where the record knows nothing of it either.
    """
    try:
        yield
    except DatabaseNotFound:
        (await registry.get(database_id)).check_usable(clock.now())
        raise


def told(error: BaseException) -> str:
    """What a record may say about an error: our own words, or nothing but that there was one."""
    return str(error) if isinstance(error, PgvendError) else "It was cut off; the log says why."

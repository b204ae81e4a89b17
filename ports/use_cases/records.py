"""Helpers of use cases that read and change records."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

from domain.availability import check_usable
from domain.callers import Caller
from domain.database import Database
from domain.errors import DatabaseNotFound, PgvendError, StaleRecord
from domain.lifecycle import Operation
from domain.passwords import NONCE_BYTES, PasswordDeriver, new_nonce
from domain.provisioning import Confirm
from ports.driven.clock import Clock
from ports.driven.randomness import Randomness
from ports.driven.registry import Query, Registry, position_of
from ports.use_cases.pending_event import PendingEvent, storing

Change = Callable[[Database], Database | None]
"""Returns the changed record, or None to leave it unchanged. May raise."""


async def get_record(registry: Registry, database_id: str, caller: Caller) -> Database:
    """Return the caller's record of that id. Raises DatabaseNotFound, also for another caller's."""
    return check_visible(caller, await registry.get(database_id))


def check_visible(caller: Caller, database: Database) -> Database:
    """Return the record. Raises DatabaseNotFound if it belongs to another caller, or is not the
    record of a database."""
    if database.is_internal or not caller.can_see(database.caller):
        raise DatabaseNotFound(f"There is no database {database.id!r}.")
    return database


async def search_all(registry: Registry, query: Query) -> list[Database]:
    """Return all records that match, newest first, read in pages of `query.limit`."""
    records: list[Database] = []
    while True:
        page = await registry.search(query)
        records += page
        if len(page) < query.limit:
            return records
        query = replace(query, before=position_of(page[-1]))


async def update_record(
    registry: Registry, database_id: str, change: Change, event: PendingEvent | None = None
) -> Database:
    """Apply `change` to the record and return the result; if the record changed meanwhile, apply it
    again. Store the event together with the change. Raises DatabaseNotFound, and what `change`
    raises."""
    while True:
        database = await registry.get(database_id)
        changed = change(database)
        if changed is None:
            return database
        with suppress(StaleRecord), storing(event, changed) as stored:
            return await registry.update(changed, event=stored)


def confirm_that(
    is_wanted: Callable[[Database], bool], registry: Registry, database: Database
) -> Confirm:
    """Return the confirmation of a change, which reads the record again: another replica may have
    continued the work of a call whose lease ended with the registry's server."""

    async def confirm() -> None:
        if not is_wanted(await registry.get(database.id)):
            raise StaleRecord

    return confirm


async def ensure_known_secret(
    registry: Registry, database: Database, passwords: PasswordDeriver, randomness: Randomness
) -> Database:
    """Return the record with a password that can be derived: a new one if the secret of the current
    one is unknown. Raises DatabaseNotFound."""
    if passwords.knows(database.secret):
        return database
    return await with_new_password(registry, database, passwords, randomness)


async def with_new_password(
    registry: Registry, database: Database, passwords: PasswordDeriver, randomness: Randomness
) -> Database:
    """Change the record to a new password, which was never set. Raises DatabaseNotFound."""
    nonce = draw_nonce(randomness)
    return await update_record(
        registry, database.id, lambda current: current.with_new_password(passwords, nonce)
    )


def draw_nonce(randomness: Randomness) -> str:
    return new_nonce(randomness.entropy(NONCE_BYTES))


@asynccontextmanager
async def attempt(
    registry: Registry, clock: Clock, database: Database, operation: Operation
) -> AsyncIterator[None]:
    """Record the error of the body, which performs the operation, and the time of the next attempt.
    Record nothing if the database changed its state meanwhile, or the body raises StaleRecord."""
    try:
        yield
    except StaleRecord:
        raise
    except BaseException as error:
        message = describe_error(error)

        def fail(current: Database) -> Database | None:
            is_same = current.state is database.state and current.is_pending(operation)
            return current.fail(operation, clock.now(), message) if is_same else None

        with suppress(PgvendError):  # the operation stays pending even so
            await update_record(registry, database.id, fail)
        raise


@asynccontextmanager
async def explain_absence(
    registry: Registry, clock: Clock, database_id: str
) -> AsyncIterator[None]:
    """Translate a DatabaseNotFound of the body, which needs the database on the provider. Raises
    IllegalTransition if the record says why the database is absent, else DatabaseNotFound."""
    try:
        yield
    except DatabaseNotFound:
        check_usable(await registry.get(database_id), clock.now())
        raise


def describe_error(error: BaseException) -> str:
    """Return the text that a record stores about the error. Only our own errors are free of
    secrets."""
    return str(error) if isinstance(error, PgvendError) else "It was interrupted; see the log."

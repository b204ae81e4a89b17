"""Sessions that keep a database, or every database of the server, from being dropped.

Its lock object is held by every transaction that names it (`ALTER ROLE ... IN DATABASE`), for which
no right on it is needed.

DROP DATABASE waits until all sessions, in whatever database, have let go of its files. One whose
client does not read its answer never hears of that; one that has not finished its login hears of it
afterwards, or at `authentication_timeout`.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from adapters.postgres import statements
from adapters.postgres.guests import end_holders, end_sessions
from adapters.postgres.sessions import Session

PATIENCE = "12s"
"""What DROP DATABASE may take before somebody is thought to be in its way."""

_USERS = "SELECT DISTINCT usename FROM pg_stat_activity WHERE usename <> current_user"

_END_STALLED = f"""
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE usename = $1 AND wait_event = 'ClientWrite' AND state_change < now() - interval '{PATIENCE}'
"""


async def drop_database(session: Session, database: str, *, force: bool = True) -> None:
    """Drop the database even while a tenant anywhere leaves an answer unread, or keeps a
    transaction open that names the database. That session ends."""
    statement = statements.drop_database(database, force=force)
    try:
        async with _impatient(session):
            await session.execute(statement)
    except asyncpg.LockNotAvailableError:
        await end_holders(session, database=database)
        await session.execute(statement)
    except asyncpg.QueryCanceledError:
        await end_sessions(session, await session.fetch(_USERS), _END_STALLED)
        await session.execute(statement)


_PATIENT_AGAIN = "RESET statement_timeout; RESET lock_timeout"


@asynccontextmanager
async def _impatient(session: Session) -> AsyncIterator[None]:
    await session.execute(f"SET statement_timeout = '{PATIENCE}'; SET lock_timeout = '2s'")
    try:
        yield
    except asyncpg.PostgresError:
        await session.execute(_PATIENT_AGAIN)
        raise
    await session.execute(_PATIENT_AGAIN)

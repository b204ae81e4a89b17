"""DROP DATABASE despite sessions that block it.

Every transaction that names a database (`ALTER ROLE ... IN DATABASE`) holds a lock on the database
object, which needs no privilege.

DROP DATABASE waits until all sessions in all databases have closed the database's files. A session
whose client does not read its answer never processes that request; a session that is logging in
processes it afterwards, or ends at `authentication_timeout`.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from adapters.postgres import statements
from adapters.postgres.blocking_sessions import end_object_lock_holders, end_sessions
from adapters.postgres.sessions import Session

DROP_TIMEOUT = "12s"
"""How long DROP DATABASE may take before other sessions are assumed to block it."""

_USERS = "SELECT DISTINCT usename FROM pg_stat_activity WHERE usename <> current_user"

_END_STALLED = f"""
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE usename = $1 AND wait_event = 'ClientWrite'
  AND state_change < now() - interval '{DROP_TIMEOUT}'
"""


async def drop_database(session: Session, database: str, *, force: bool = True) -> None:
    """Drop the database, and end sessions that block it: sessions of tenants that leave an answer
    unread, or whose open transaction names the database."""
    statement = statements.drop_database(database, force=force)
    try:
        async with _short_timeouts(session):
            await session.execute(statement)
    except asyncpg.LockNotAvailableError:
        await end_object_lock_holders(session, database=database)
        await session.execute(statement)
    except asyncpg.QueryCanceledError:
        await end_sessions(session, await session.fetch(_USERS), _END_STALLED)
        await session.execute(statement)


_RESET_TIMEOUTS = "RESET statement_timeout; RESET lock_timeout"


@asynccontextmanager
async def _short_timeouts(session: Session) -> AsyncIterator[None]:
    await session.execute(f"SET statement_timeout = '{DROP_TIMEOUT}'; SET lock_timeout = '2s'")
    try:
        yield
    except asyncpg.PostgresError:
        await session.execute(_RESET_TIMEOUTS)
        raise
    await session.execute(_RESET_TIMEOUTS)

"""Sessions of other users that block a tenant's deletion or suspension."""

from collections.abc import Iterable
from contextlib import suppress

import asyncpg

from adapters.postgres import statements
from adapters.postgres.sessions import Session

_DATABASE_USERS = """
SELECT DISTINCT usename FROM pg_stat_activity
WHERE datname = $1 AND usename <> current_user
"""

_LOCK_OBJECTS = """
SELECT pid FROM pg_locks WHERE locktype = 'object' AND granted AND (classid, objid) IN (
    SELECT 'pg_authid'::regclass::oid, oid FROM pg_roles WHERE rolname = {role}
    UNION ALL
    SELECT 'pg_database'::regclass, oid FROM pg_database WHERE datname = {database}
)
"""

_OBJECT_LOCK_HOLDERS = f"""
SELECT DISTINCT usename FROM pg_stat_activity WHERE usename <> current_user
AND pid IN ({_LOCK_OBJECTS.format(role="$1", database="$2")})
"""

_ROW_LOCK_HOLDERS = """
SELECT DISTINCT usename FROM pg_locks JOIN pg_stat_activity USING (pid)
WHERE locktype = 'transactionid' AND granted
  AND transactionid = (SELECT xmax FROM pg_database WHERE datname = $1) AND usename <> current_user
"""
# xmax is the uncommitted transaction that changed the row

_END_IN_DATABASE = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1 AND datname = $2
"""

_END_OBJECT_LOCK_HOLDERS = f"""
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1
AND pid IN ({_LOCK_OBJECTS.format(role="$2", database="$3")})
"""

_END_ROW_LOCK_HOLDERS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE usename = $1 AND pid IN (
    SELECT pid FROM pg_locks WHERE locktype = 'transactionid' AND granted
      AND transactionid = (SELECT xmax FROM pg_database WHERE datname = $2)
)
"""


async def end_database_sessions(session: Session, database: str) -> None:
    """End all sessions in a tenant's database that the admin may end."""
    await end_sessions(
        session, await session.fetch(_DATABASE_USERS, database), _END_IN_DATABASE, database
    )


async def end_object_lock_holders(session: Session, *, role: str = "", database: str = "") -> None:
    """End the sessions whose open transaction locks the role or the database as an object, which
    prevents dropping it."""
    holders = await session.fetch(_OBJECT_LOCK_HOLDERS, role, database)
    await end_sessions(session, holders, _END_OBJECT_LOCK_HOLDERS, role, database)


async def end_row_lock_holders(session: Session, database: str) -> None:
    """End the sessions whose open transaction changed the database's row in pg_database. They may
    belong to a neighbour that was granted privileges with the grant option."""
    await end_sessions(
        session, await session.fetch(_ROW_LOCK_HOLDERS, database), _END_ROW_LOCK_HOLDERS, database
    )


async def end_sessions(
    session: Session, users: Iterable[asyncpg.Record], query: str, *parameters: str
) -> None:
    """Run `query`, which ends sessions of one user, for each of the users. A member of a role may
    end the role's sessions: unless the admin may signal all sessions, it joins the role in a
    transaction that is rolled back, so that no other session sees the membership."""
    may_signal = await session.fetchval(f"SELECT {statements.MAY_SIGNAL}")
    for user in users:
        transaction = session.transaction()
        await transaction.start()
        try:
            with suppress(asyncpg.InsufficientPrivilegeError):  # not a tenant's role
                if not may_signal:
                    await session.execute(statements.join_role(user["usename"]))
                await session.fetch(query, user["usename"], *parameters)
        finally:
            await transaction.rollback()

"""Rollback of tenants' prepared transactions.

DROP DATABASE WITH (FORCE) ends sessions, but a prepared transaction has no session and stays until
it is rolled back.
"""

from collections.abc import Sequence
from contextlib import AsyncExitStack, suppress

import asyncpg

from adapters.postgres import statements
from adapters.postgres.marks import Marks
from adapters.postgres.membership import role_membership
from adapters.postgres.server import Server
from adapters.postgres.sessions import Session, open_session
from domain.errors import ProviderRejected, Unavailable

MAX_ATTEMPTS = 5
"""The maximum number of attempts to log in to a database whose owner closes it."""

_PREPARED = """
SELECT gid, database, owner, shobj_description(r.oid, 'pg_authid') AS mark,
       host.rolname AS database_owner,
       shobj_description(host.oid, 'pg_authid') AS database_owner_mark
FROM pg_prepared_xacts AS p
JOIN pg_database AS d ON d.datname = database JOIN pg_roles AS host ON host.oid = d.datdba
LEFT JOIN pg_roles AS r ON r.rolname = owner
WHERE ($3::text IS NULL OR gid = $3) AND (database = ANY ($2::text[]) OR owner = $1
   OR transaction IN (SELECT xmax FROM pg_database WHERE datname = ANY ($2::text[]))
   OR EXISTS (
        SELECT FROM pg_locks AS own JOIN pg_locks AS other USING (virtualtransaction)
        WHERE own.transactionid = transaction AND own.pid IS NULL AND other.pid IS NULL
          AND other.locktype = 'object' AND other.classid = 'pg_database'::regclass
          AND other.objid IN (SELECT oid FROM pg_database WHERE datname = ANY ($2::text[]))
    ))
"""
# transactions that were prepared in the databases or by the role, and those that prevent changing
# or dropping the databases, by a lock on the row (xmax) or on the object


async def end_prepared_transactions(
    session: Session,
    databases: Sequence[str],
    owner: str,
    server: Server,
    marks: Marks,
    *,
    only: str | None = None,
) -> None:
    """Roll back the prepared transactions that block the deletion of the databases or of their
    `owner`, a role that the admin is a member of. With `only`, roll back the transaction of that
    name alone.

    Opens sessions in tenants' databases. Their search_path contains no schema of the tenant.
    """
    for transaction in await session.fetch(_PREPARED, owner, list(databases), only):
        async with AsyncExitStack() as memberships:
            for role, mark in {"owner": "mark", "database_owner": "database_owner_mark"}.items():
                if transaction[role] != owner:
                    tenant_id = marks.id_from_mark(transaction[mark])
                    membership = role_membership(session, transaction[role], tenant_id)
                    await memberships.enter_async_context(membership)
            await _roll_back_with_retries(session, transaction, server)


async def _roll_back_with_retries(
    session: Session, transaction: asyncpg.Record, server: Server
) -> None:
    """Roll back the transaction. The owner may have closed its database, and may close it again
    while its logins are enabled."""
    for attempt in range(MAX_ATTEMPTS):
        with suppress(ProviderRejected, Unavailable):
            await _roll_back(transaction, server)
            return
        with suppress(asyncpg.InternalServerError):  # the transaction changed the same row
            if attempt:
                await session.execute(
                    statements.join_and_end_sessions(transaction["database_owner"])
                )
            statement = statements.open_to_admin(
                transaction["database"], transaction["database_owner"]
            )
            await session.execute(statements.with_short_lock_timeout(statement))
    await _roll_back(transaction, server)


async def _roll_back(transaction: asyncpg.Record, server: Server) -> None:
    """Roll back as the role that prepared the transaction, perhaps a neighbour: no other role
    may."""
    async with open_session({**server.admin, "database": transaction["database"]}) as inside:
        await inside.execute(statements.set_role(transaction["owner"]))
        await inside.execute(statements.roll_back_prepared(transaction["gid"]))

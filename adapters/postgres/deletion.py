"""Deletion of a tenant despite everything that the tenant or a neighbour did to prevent it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg

from adapters.postgres import statements
from adapters.postgres.blocking_sessions import (
    end_database_sessions,
    end_object_lock_holders,
    end_row_lock_holders,
    end_sessions,
)
from adapters.postgres.dependents import explain_dependents
from adapters.postgres.exports.access import remove_export_role
from adapters.postgres.inspection import DatabaseState, TenantState, build_tombstone_name
from adapters.postgres.marks import Marks
from adapters.postgres.prepared_transactions import end_prepared_transactions
from adapters.postgres.role_removal import RoleRemoval
from adapters.postgres.server import Server
from adapters.postgres.sessions import Session
from domain.errors import ProviderBusy
from domain.provisioning import Tenant, Tombstone

DROP_TIMEOUT = "12s"
"""How long DROP DATABASE may take before other sessions are assumed to block it."""

_USERS = "SELECT DISTINCT usename FROM pg_stat_activity WHERE usename <> current_user"

_END_STALLED = f"""
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE usename = $1 AND wait_event = 'ClientWrite'
  AND state_change < now() - interval '{DROP_TIMEOUT}'
"""

_RESET_TIMEOUTS = "RESET statement_timeout; RESET lock_timeout"


@dataclass(frozen=True)
class Deletion:
    """Disables the owner's logins, drops its databases, and drops the role or leaves its tombstone.
    Safe to repeat after a crash at any point."""

    session: Session
    tenant: Tenant
    state: TenantState
    server: Server
    marks: Marks

    async def run(self) -> Tombstone | None:
        """Run the deletion, and return the tombstone if the role cannot be dropped yet."""
        await self._disable_login()
        await remove_export_role(self.session, self.tenant.id, self.server, self.marks)
        for database in self.state.databases:
            await self._drop_database(database)
        return await self._drop_role()

    @property
    def _owner(self) -> str:
        return self.state.owner

    async def _disable_login(self) -> None:
        """End the owner's sessions, then disable its logins. An open transaction would delay the
        next statements, and a session in a loop could undo the changes to its database."""
        await self.session.execute(statements.end_sessions_if_allowed(self._owner))
        try:
            await self.session.execute(
                statements.with_short_lock_timeout(statements.disable_login(self._owner))
            )
        except asyncpg.LockNotAvailableError:
            await self.session.execute(statements.join_and_end_sessions(self._owner))
            await self._end_prepared_transactions()
            await self.session.execute(statements.disable_login(self._owner))
        await self._end_prepared_transactions()

    async def _end_prepared_transactions(self) -> None:
        names = [database.name for database in self.state.databases]
        await end_prepared_transactions(self.session, names, self._owner, self.server, self.marks)

    async def _drop_database(self, database: DatabaseState) -> None:
        if not database.is_broken:
            await self._close(database.name)
        try:
            await drop_database(self.session, database.name)
        except asyncpg.ObjectInUseError:
            await self._end_prepared_transactions()
            await drop_database(self.session, database.name)
        except asyncpg.InsufficientPrivilegeError:
            await self._drop_without_force(database.name)

    async def _close(self, database: str) -> None:
        try:
            await self.session.execute(
                statements.with_short_lock_timeout(statements.close_database(database))
            )
        except asyncpg.LockNotAvailableError:
            await end_row_lock_holders(self.session, database)
            await self.session.execute(statements.close_database(database))

    async def _drop_without_force(self, database: str) -> None:
        """Drop the database although the admin may not end one of its sessions: a session of a
        neighbour that was granted access or whose login is being refused, of autovacuum, or of a
        superuser. With FORCE, PostgreSQL would then end no session at all.

        Without FORCE, PostgreSQL cancels autovacuum and waits for all other sessions.
        """
        await end_database_sessions(self.session, database)
        try:
            await drop_database(self.session, database, force=False)
        except asyncpg.ObjectInUseError as error:
            raise ProviderBusy(
                "The database is in use by another user's session, which has to end first."
            ) from error

    async def _drop_role(self) -> Tombstone | None:
        removal = RoleRemoval(self.session, self._owner, self.server, self.marks)
        is_gone = await removal.run(in_parts=self.state.is_tombstone(self.tenant))
        return None if is_gone else await self._leave_tombstone()

    async def _leave_tombstone(self) -> Tombstone:
        name = build_tombstone_name(self.tenant.id)
        await self.session.execute(
            statements.with_short_lock_timeout(statements.turn_into_tombstone(self._owner, name))
        )
        return Tombstone(name, await explain_dependents(self.session, name))


async def drop_database(session: Session, database: str, *, force: bool = True) -> None:
    """Drop the database, and end the sessions of tenants that block it.

    Every transaction that names a database (`ALTER ROLE ... IN DATABASE`) holds a lock on the
    database object, which needs no privilege.

    DROP DATABASE waits until all sessions in all databases have closed the database's files. A
    session whose client does not read its answer never processes that request; a session that is
    logging in processes it afterwards, or ends at `authentication_timeout`.
    """
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


@asynccontextmanager
async def _short_timeouts(session: Session) -> AsyncIterator[None]:
    await session.execute(f"SET statement_timeout = '{DROP_TIMEOUT}'; SET lock_timeout = '2s'")
    try:
        yield
    except asyncpg.PostgresError:
        await session.execute(_RESET_TIMEOUTS)
        raise
    await session.execute(_RESET_TIMEOUTS)

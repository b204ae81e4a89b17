"""Deletion of a tenant, including everything that the tenant or a neighbour did to prevent it."""

from dataclasses import dataclass

import asyncpg

from adapters.postgres import statements
from adapters.postgres.blocking_sessions import (
    end_database_sessions,
    end_object_lock_holders,
    end_row_lock_holders,
)
from adapters.postgres.database_drop import drop_database
from adapters.postgres.dependents import explain_dependents, has_dependents
from adapters.postgres.grants import GrantRevocation
from adapters.postgres.inspection import DatabaseState, Marks, TenantState, tombstone_name
from adapters.postgres.prepared_transactions import end_prepared_transactions
from adapters.postgres.server import Server
from adapters.postgres.sessions import Session
from domain.errors import ProviderBusy
from domain.provisioning import Tenant, Tombstone

_CANNOT_DROP_ROLE = (
    asyncpg.DependentObjectsStillExistError,
    asyncpg.LockNotAvailableError,
    asyncpg.OutOfMemoryError,  # of the server's table of locks
    asyncpg.QueryCanceledError,
)
"""Errors that prevent dropping a role for now."""


@dataclass(frozen=True)
class Deletion:
    """Disable the owner's logins, drop its databases, then drop the role or leave its tombstone.
    Safe to repeat after a crash at any point."""

    session: Session
    tenant: Tenant
    state: TenantState
    server: Server
    marks: Marks

    async def __call__(self) -> Tombstone | None:
        await self._disable_login()
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
        """Drop the database although it contains a session that the admin may not end. FORCE then
        ends no session at all. Such a session belongs to a neighbour that was granted access or
        whose login is being refused, to autovacuum, or to a superuser.

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
        if await self._try_to_drop_role():
            return None
        revocation = GrantRevocation(self.session, self._owner, self.server, self.marks)
        if not await has_dependents(self.session, self._owner):
            await end_object_lock_holders(self.session, role=self._owner)
        elif self.state.is_tombstone(self.tenant):
            await revocation.revoke_in_parts()
        else:
            await revocation.revoke_at_once()
        return None if await self._try_to_drop_role() else await self._leave_tombstone()

    async def _try_to_drop_role(self) -> bool:
        try:
            await self.session.execute(
                statements.with_short_lock_timeout(statements.drop_role(self._owner))
            )
        except _CANNOT_DROP_ROLE:
            return False
        return True

    async def _leave_tombstone(self) -> Tombstone:
        name = tombstone_name(self.tenant.id)
        await self.session.execute(
            statements.with_short_lock_timeout(statements.make_tombstone(self._owner, name))
        )
        return Tombstone(name, await explain_dependents(self.session, name))

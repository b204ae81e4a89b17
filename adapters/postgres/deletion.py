"""Deletion of a tenant, including everything that the tenant or a neighbour did to prevent it."""

from dataclasses import dataclass

import asyncpg

from adapters.postgres import statements
from adapters.postgres.blocking_sessions import end_guests, end_holders, end_lockers
from adapters.postgres.database_drop import drop_database
from adapters.postgres.dependents import is_named, reason_to_keep
from adapters.postgres.grants import TakeBack
from adapters.postgres.inspection import Marks, SeenDatabase, Sight, tombstone_name
from adapters.postgres.prepared_transactions import end_prepared_transactions
from adapters.postgres.server import Server
from adapters.postgres.sessions import Session
from domain.errors import ProviderBusy
from domain.provisioning import Tenant, Tombstone

_KEPT = (
    asyncpg.DependentObjectsStillExistError,
    asyncpg.LockNotAvailableError,
    asyncpg.OutOfMemoryError,  # of the server's table of locks
    asyncpg.QueryCanceledError,
)
"""Errors that prevent dropping a role for now."""


@dataclass(frozen=True)
class Drop:
    """Disable the owner's logins, drop its databases, then drop the role or leave its tombstone.
    Safe to repeat after a crash at any point."""

    session: Session
    tenant: Tenant
    state: Sight
    server: Server
    marks: Marks

    async def __call__(self) -> Tombstone | None:
        await self._shut_out()
        for database in self.state.databases:
            await self._drop_database(database)
        return await self._drop_role()

    @property
    def _owner(self) -> str:
        return self.state.owner

    async def _shut_out(self) -> None:
        """End the owner's sessions, then disable its logins. An open transaction would delay the
        next statements, and a session in a loop could undo the changes to its database."""
        await self.session.execute(statements.signal(self._owner))
        try:
            await self.session.execute(statements.soon(statements.shut_out(self._owner)))
        except asyncpg.LockNotAvailableError:
            await self.session.execute(statements.throw_out(self._owner))
            await self._end_prepared_transactions()
            await self.session.execute(statements.shut_out(self._owner))
        await self._end_prepared_transactions()

    async def _end_prepared_transactions(self) -> None:
        names = [database.name for database in self.state.databases]
        await end_prepared_transactions(self.session, names, self._owner, self.server, self.marks)

    async def _drop_database(self, database: SeenDatabase) -> None:
        if not database.broken:
            await self._close(database.name)
        try:
            await drop_database(self.session, database.name)
        except asyncpg.ObjectInUseError:
            await self._end_prepared_transactions()
            await drop_database(self.session, database.name)
        except asyncpg.InsufficientPrivilegeError:
            await self._drop_with_guests(database.name)

    async def _close(self, database: str) -> None:
        try:
            await self.session.execute(statements.soon(statements.close_database(database)))
        except asyncpg.LockNotAvailableError:
            await end_lockers(self.session, database)
            await self.session.execute(statements.close_database(database))

    async def _drop_with_guests(self, database: str) -> None:
        """Drop the database although it contains a session that the admin may not end. FORCE then
        ends no session at all. Such a session belongs to a neighbour that was granted access or
        whose login is being refused, to autovacuum, or to a superuser.

        Without FORCE, PostgreSQL cancels autovacuum and waits for all other sessions.
        """
        await end_guests(self.session, database)
        try:
            await drop_database(self.session, database, force=False)
        except asyncpg.ObjectInUseError as error:
            raise ProviderBusy(
                "The database is in use by another user's session, which has to end first."
            ) from error

    async def _drop_role(self) -> Tombstone | None:
        if await self._is_dropped():
            return None
        take_back = TakeBack(self.session, self._owner, self.server, self.marks)
        if not await is_named(self.session, self._owner):
            await end_holders(self.session, role=self._owner)
        elif self.state.is_tombstone(self.tenant):
            await take_back.in_parts()
        else:
            await take_back.at_once()
        return None if await self._is_dropped() else await self._buried()

    async def _is_dropped(self) -> bool:
        try:
            await self.session.execute(statements.soon(statements.drop_role(self._owner)))
        except _KEPT:
            return False
        return True

    async def _buried(self) -> Tombstone:
        name = tombstone_name(self.tenant.id)
        await self.session.execute(statements.soon(statements.bury(self._owner, name)))
        return Tombstone(name, await reason_to_keep(self.session, name))

"""Changes of a tenant's access to its databases, despite everything that the tenant or a
neighbour did to prevent them."""

from collections.abc import Sequence
from dataclasses import dataclass

import asyncpg

from adapters.postgres import statements
from adapters.postgres.blocking_sessions import end_database_sessions, end_row_lock_holders
from adapters.postgres.inspection import DatabaseState
from adapters.postgres.marks import Marks
from adapters.postgres.membership import role_membership
from adapters.postgres.prepared_transactions import end_prepared_transactions
from adapters.postgres.server import Server
from adapters.postgres.sessions import Session
from domain.errors import ProviderBusy

MAX_CHECKS = 60
"""How often remaining sessions are checked."""

PAUSE = "SELECT pg_sleep(0.05)"
"""The pause between two checks."""

_ENTERING_SESSIONS = """
SELECT DISTINCT pid FROM pg_locks
WHERE locktype = 'object' AND classid = 'pg_database'::regclass AND pid IS NOT NULL
"""
# sessions that are logging in: they hold such a lock and are not visible in pg_stat_activity yet

_SESSIONS_INSIDE = """
SELECT pid FROM pg_stat_activity JOIN pg_roles ON rolname = usename
WHERE (usename = $1 OR datname = ANY($2::text[])) AND usename <> current_user AND NOT rolsuper
UNION
SELECT pid FROM unnest($3::int[]) AS entering (pid)
WHERE pid NOT IN (SELECT pid FROM pg_stat_activity WHERE usename IS NOT NULL)
"""

_CLIENTS_INSIDE = """
SELECT FROM pg_stat_activity
WHERE datname = ANY($1::text[]) AND backend_type = 'client backend' LIMIT 1
"""

_OPEN_DATABASES = "SELECT datname FROM pg_database WHERE datname = ANY($1::text[]) AND datallowconn"


@dataclass(frozen=True)
class TenantAccess:
    """The access of a tenant's role, `owner`, to its databases. All methods are safe to repeat
    after a crash at any point."""

    session: Session
    owner: str
    databases: Sequence[DatabaseState]
    server: Server
    marks: Marks

    async def suspend(self) -> None:
        """Disable the owner's logins, close its databases, and end all sessions in them except for
        those of superusers. The data stays, and `provision` opens the access again."""
        names = self._intact_names
        await self.session.execute(statements.end_sessions_if_allowed(self.owner))
        async with role_membership(self.session, self.owner, None):
            await self._execute_past_locks(statements.disable_login(self.owner))
            await self._end_all_sessions([])  # the owner's, which could open its databases again
            for name in names:
                await self._execute_past_locks(
                    f"{statements.join_role(self.owner)}; {statements.close_database(name)}"
                )
            await self._end_all_sessions(names)
        if await self.session.fetch(_OPEN_DATABASES, names):
            raise ProviderBusy("The owner opened the database again during the suspension.")

    async def close_spare(self) -> None:
        """Suspend a spare. Raises ProviderBusy while a session remains in it, such as a monitor's:
        the database could not be renamed."""
        await self.suspend()
        if await self.session.fetch(_CLIENTS_INSIDE, self._intact_names):
            raise ProviderBusy(
                "The spare is in use by a superuser's session, which has to end first."
            )

    async def set_password(self, password: str, *, end_sessions: bool) -> None:
        """Set the owner's password, which may be a SCRAM verifier, and end its sessions if asked.
        New sessions may open."""
        await self._execute_past_locks(statements.set_password(self.owner, password))
        if end_sessions:
            await self._end_sessions()

    async def set_read_only(self) -> None:
        """Make the owner's sessions begin read-only, so that its database stops growing. End
        existing sessions, which would stay writable."""
        for name in self._intact_names:
            await self._execute_past_locks(statements.set_read_only(self.owner, name))
        await self._end_sessions()

    async def clear_read_only(self) -> None:
        """Clear the read-only mode, and end idle sessions. Active sessions may finish their work,
        such as deleting data."""
        for name in self._intact_names:
            await self._execute_past_locks(statements.clear_read_only(self.owner, name))
        async with role_membership(self.session, self.owner, None):
            await self.session.execute(statements.end_idle_sessions(self.owner))

    @property
    def _intact_names(self) -> list[str]:
        """The names of the databases that can be changed."""
        return [database.name for database in self.databases if not database.is_broken]

    async def _execute_past_locks(self, statement: str) -> None:
        """Run the statement. If a transaction of the tenant or a neighbour locks its object, end
        that transaction first."""
        try:
            await self.session.execute(statements.with_short_lock_timeout(statement))
        except asyncpg.LockNotAvailableError:
            async with role_membership(self.session, self.owner, None):
                await self._end_transactions()
                await self.session.execute(statement)

    async def _end_transactions(self) -> None:
        await self.session.execute(statements.join_and_end_sessions(self.owner))
        names = [database.name for database in self.databases]
        for name in names:
            await end_row_lock_holders(self.session, name)
        await end_prepared_transactions(self.session, names, self.owner, self.server, self.marks)

    async def _end_sessions(self) -> None:
        """End all sessions of the owner."""
        async with role_membership(self.session, self.owner, None):
            await self._end_all_sessions([])

    async def _end_all_sessions(self, databases: Sequence[str]) -> None:
        """End the owner's sessions everywhere, and all sessions in `databases`. Wait only for the
        logins that were in progress at the start: later ones are refused, perhaps repeatedly."""
        entering = await self._fetch_entering()
        for _ in range(MAX_CHECKS):
            # in this order, because a session that finished its login since then is visible now
            if not await self.session.fetch(
                _SESSIONS_INSIDE, self.owner, databases, list(entering)
            ):
                return
            await self.session.execute(statements.join_and_end_sessions(self.owner))
            for name in databases:
                await end_database_sessions(self.session, name)
            await self.session.execute(PAUSE)
            entering &= await self._fetch_entering()
        raise ProviderBusy(
            "The database is in use by another user's session, which has to end first."
        )

    async def _fetch_entering(self) -> set[int]:
        return {row["pid"] for row in await self.session.fetch(_ENTERING_SESSIONS)}

"""Suspension of a tenant's access. Its data stays, and `provision` opens the access again."""

from collections.abc import Sequence
from dataclasses import dataclass

import asyncpg

from adapters.postgres import statements
from adapters.postgres.blocking_sessions import end_guests, end_lockers
from adapters.postgres.inspection import Marks, SeenDatabase
from adapters.postgres.membership import member_of
from adapters.postgres.prepared_transactions import end_prepared_transactions
from adapters.postgres.server import Server
from adapters.postgres.sessions import Session
from domain.errors import ProviderBusy

LOOKS = 60
PAUSE = "SELECT pg_sleep(0.05)"
"""How often, and after which pause, remaining sessions are checked."""

_ENTERING = """
SELECT DISTINCT pid FROM pg_locks
WHERE locktype = 'object' AND classid = 'pg_database'::regclass AND pid IS NOT NULL
"""
"""Sessions that are logging in: they hold such a lock and are not visible in pg_stat_activity
yet."""

_INSIDE = """
SELECT pid FROM pg_stat_activity JOIN pg_roles ON rolname = usename
WHERE (usename = $1 OR datname = ANY($2)) AND usename <> current_user AND NOT rolsuper
UNION
SELECT pid FROM unnest($3::int[]) AS entering (pid)
WHERE pid NOT IN (SELECT pid FROM pg_stat_activity WHERE usename IS NOT NULL)
"""

_OPEN = "SELECT datname FROM pg_database WHERE datname = ANY($1) AND datallowconn"


@dataclass(frozen=True)
class Suspend:
    """Disable the owner's logins, close its databases, and end all sessions in them except for
    those of superusers. Safe to repeat after a crash at any point."""

    session: Session
    owner: str
    databases: Sequence[SeenDatabase]
    server: Server
    marks: Marks

    async def __call__(self) -> None:
        names = self.whole
        await self.session.execute(statements.signal(self.owner))
        async with member_of(self.session, self.owner, None):
            await self.insist(statements.shut_out(self.owner))
            await self._empty([])  # the owner's, which could open its databases again
            for name in names:
                await self.insist(self._as_member(statements.close_database(name)))
            await self._empty(names)
        if await self.session.fetch(_OPEN, names):
            raise ProviderBusy("The owner opened the database again during the suspension.")

    @property
    def whole(self) -> list[str]:
        """The names of the databases that can be changed."""
        return [database.name for database in self.databases if not database.broken]

    async def end_sessions(self) -> None:
        """End all sessions of the owner. New ones may open."""
        async with member_of(self.session, self.owner, None):
            await self._empty([])

    async def insist(self, statement: str) -> None:
        """Run the statement. If a transaction of the tenant or a neighbour locks its object, end
        that transaction first."""
        try:
            await self.session.execute(statements.soon(statement))
        except asyncpg.LockNotAvailableError:
            async with member_of(self.session, self.owner, None):
                await self._end_transactions()
                await self.session.execute(statement)

    async def _end_transactions(self) -> None:
        await self.session.execute(statements.throw_out(self.owner))
        names = [database.name for database in self.databases]
        for name in names:
            await end_lockers(self.session, name)
        await end_prepared_transactions(self.session, names, self.owner, self.server, self.marks)

    async def _empty(self, databases: Sequence[str]) -> None:
        """End the owner's sessions everywhere, and all sessions in `databases`. Wait only for the
        logins that were in progress at the start: later ones are refused, perhaps repeatedly."""
        entering = await self._entering()
        for _ in range(LOOKS):
            # in this order, because a session that finished its login since then is visible now
            if not await self.session.fetch(_INSIDE, self.owner, databases, list(entering)):
                return
            await self.session.execute(statements.throw_out(self.owner))
            for name in databases:
                await end_guests(self.session, name)
            await self.session.execute(PAUSE)
            entering &= await self._entering()
        raise ProviderBusy(
            "The database is in use by another user's session, which has to end first."
        )

    async def _entering(self) -> set[int]:
        return {row["pid"] for row in await self.session.fetch(_ENTERING)}

    def _as_member(self, statement: str) -> str:
        return f"{statements.join_role(self.owner)}; {statement}"

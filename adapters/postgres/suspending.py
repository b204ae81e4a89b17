"""The end of a tenant's access, and of no more: its data stays, for `provision` to open again."""

from collections.abc import Sequence
from dataclasses import dataclass

import asyncpg

from adapters.postgres import statements
from adapters.postgres.guests import end_guests, end_lockers
from adapters.postgres.membership import member_of
from adapters.postgres.prepared import end_prepared_transactions
from adapters.postgres.server import Server
from adapters.postgres.sessions import Session
from adapters.postgres.sight import Marks, SeenDatabase
from domain.errors import ProviderBusy

LOOKS = 60
PAUSE = "SELECT pg_sleep(0.05)"
"""How often, and after which pause, it is looked whether the sessions have ended."""

_ENTERING = """
SELECT DISTINCT pid FROM pg_locks
WHERE locktype = 'object' AND classid = 'pg_database'::regclass AND pid IS NOT NULL
"""
"""A session that has been let in and cannot be seen yet holds such a lock."""

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
    """Shut the owner out, close its databases to all others, end all sessions in them but those of
    superusers. Every prefix of it can be repeated."""

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
            await self._empty([])  # of the owner: it could open again what is closed
            for name in names:
                await self.insist(self._as_member(statements.close_database(name)))
            await self._empty(names)
        if await self.session.fetch(_OPEN, names):
            raise ProviderBusy("The database was opened again in the last moment.")

    @property
    def whole(self) -> list[str]:
        """Those of its databases that can be changed."""
        return [database.name for database in self.databases if not database.broken]

    async def end_sessions(self) -> None:
        """All of the owner's; new ones may come."""
        async with member_of(self.session, self.owner, None):
            await self._empty([])

    async def insist(self, statement: str) -> None:
        """Run it whatever the tenant, or a neighbour, has locked, for the price of transactions."""
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
        """Of the owner's sessions everywhere, and of all in `databases`. Of those who are entering
        only the first count: whoever comes later is refused, again and again perhaps."""
        entering = await self._entering()
        for _ in range(LOOKS):
            # this order: who has come in since the look at those who enter, is seen inside
            if not await self.session.fetch(_INSIDE, self.owner, databases, list(entering)):
                return
            await self.session.execute(statements.throw_out(self.owner))
            for name in databases:
                await end_guests(self.session, name)
            await self.session.execute(PAUSE)
            entering &= await self._entering()
        raise ProviderBusy("Somebody else's session is in the database and has to end.")

    async def _entering(self) -> set[int]:
        return {row["pid"] for row in await self.session.fetch(_ENTERING)}

    def _as_member(self, statement: str) -> str:
        return f"{statements.join(self.owner)}; {statement}"

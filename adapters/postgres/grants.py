"""What others granted to a tenant: PostgreSQL drops no role that anything on the server names."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import asyncpg

from adapters.driver.connecting import Login
from adapters.postgres import statements
from adapters.postgres.dependents import Dependents
from adapters.postgres.membership import member_of
from adapters.postgres.server import Server
from adapters.postgres.sessions import Session, single_session
from adapters.postgres.sight import Marks
from domain.errors import PgvendError, ProviderRejected, Unavailable

VISITS = 20
"""Databases that one call goes to; later calls go to others."""

VISIT_TIMEOUT = 30.0
"""Seconds for a part of what a database holds."""

Visit = Callable[[Session | asyncpg.Connection, Login, str], Awaitable[None]]
"""With a session that may change the database, a login that may change what is in it, and its
owner."""

_HOSTS = f"""
SELECT d.datname AS database, pg_get_userbyid(d.datdba) AS owner,
       shobj_description(d.datdba, 'pg_authid') AS mark
FROM pg_database AS d WHERE d.oid IN (
    SELECT CASE WHEN dbid = 0 AND classid = 'pg_database'::regclass THEN objid ELSE dbid END
    FROM pg_shdepend WHERE refclassid = 'pg_authid'::regclass
      AND refobjid = (SELECT oid FROM pg_roles WHERE rolname = $1)
) ORDER BY random() LIMIT {VISITS}
"""


@dataclass(frozen=True)
class TakeBack:
    """Remove what names the role, where the admin may: here, in its neighbours' databases, and,
    where there is a superuser to do it, everywhere. A neighbour needs no consent to grant somebody
    something. What cannot be removed now stays, without an error."""

    session: Session
    role: str
    server: Server
    marks: Marks

    async def at_once(self) -> None:
        """Where it is little enough for that, also for the price of a neighbour's sessions."""
        await self._everywhere(self._clear)

    async def in_parts(self) -> None:
        """A part of what each database holds, without waiting for anybody who is at work there."""
        await self._everywhere(self._reduce)

    async def _everywhere(self, visit: Visit) -> None:
        with suppress(asyncpg.PostgresError):
            await self.session.execute(statements.soon(statements.drop_grants(self.role)))
        for host in await self.session.fetch(_HOSTS, self.role):
            with suppress(PgvendError, asyncpg.PostgresError, TimeoutError):
                async with self._may_change(host) as (session, login):
                    await visit(session, {**login, "database": host["database"]}, host["owner"])

    @asynccontextmanager
    async def _may_change(
        self, host: asyncpg.Record
    ) -> AsyncIterator[tuple[Session | asyncpg.Connection, Login]]:
        """A session that may change the database, and a login that may change what is in it."""
        neighbour = self.marks.id_in(host["mark"])
        if self.server.superuser:
            async with single_session(self.server.superuser) as superuser:
                yield superuser, self.server.superuser
        elif neighbour is None:
            raise ProviderRejected(f"The database {host['database']!r} is not one of ours.")
        else:
            async with member_of(self.session, host["owner"], neighbour):
                yield self.session, self.server.admin

    async def _clear(
        self, session: Session | asyncpg.Connection, inside: Login, owner: str
    ) -> None:
        try:
            await self._clear_in(inside)
        except (ProviderRejected, Unavailable):  # the neighbour may have closed the door behind it
            opened = statements.let_admin_in(inside["database"], owner)
            await session.execute(statements.soon(opened))
            await self._clear_in(inside)

    async def _clear_in(self, login: Login) -> None:
        """A neighbour's open transaction can hold what is to be changed: it gets a moment to
        end."""
        async with single_session(login, lock_timeout="2s") as inside:
            dependents = Dependents(inside, self.role, self.marks)
            try:
                await dependents.remove()
            except asyncpg.LockNotAvailableError:
                await inside.execute(statements.END_SESSIONS_HERE)
                await dependents.remove()

    async def _reduce(self, _: Session | asyncpg.Connection, inside: Login, __: str) -> None:
        async with (
            asyncio.timeout(VISIT_TIMEOUT),
            single_session(inside, lock_timeout="100ms") as session,
        ):
            await Dependents(session, self.role, self.marks).remove_in_parts()

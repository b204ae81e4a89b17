"""What others granted to a tenant: PostgreSQL drops no role that anything on the server names."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
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

TIMEOUT = 30.0
"""Seconds of one call: the deletion of a role does not wait for all that others granted to it."""

FIRST_WITH_TRANSACTION_TIMEOUT = 17
"""The first version where a database can be set to end whatever takes longer."""

Visit = Callable[[Dependents], Awaitable[None]]

_HOSTS = f"""
SELECT d.datname AS database, pg_get_userbyid(d.datdba) AS owner,
       shobj_description(d.datdba, 'pg_authid') AS mark
FROM pg_database AS d WHERE datallowconn AND d.oid IN (
    SELECT CASE WHEN dbid = 0 AND classid = 'pg_database'::regclass THEN objid ELSE dbid END
    FROM pg_shdepend WHERE refclassid = 'pg_authid'::regclass
      AND refobjid = (SELECT oid FROM pg_roles WHERE rolname = $1)
) ORDER BY random() LIMIT {VISITS}
"""


@dataclass(frozen=True)
class TakeBack:
    """Remove what names the role, where the admin may: here, in its neighbours' databases, and,
    where there is a superuser to do it, everywhere. A tenant needs no consent to grant something
    to a neighbour. What cannot be removed now stays, without an error."""

    session: Session
    role: str
    server: Server
    marks: Marks

    async def at_once(self) -> None:
        """Remove what names the role where it is little enough for one transaction. End a
        neighbour's sessions if they hold what has to change."""
        await self._bounded(_clear, "2s")

    async def in_parts(self) -> None:
        """Remove a part of what each database holds. Do not wait for sessions that work there."""
        await self._bounded(Dependents.remove_in_parts, "100ms")

    async def _bounded(self, visit: Visit, patience: str) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(TIMEOUT):
                await self._everywhere(visit, patience)

    async def _everywhere(self, visit: Visit, patience: str) -> None:
        with suppress(asyncpg.PostgresError):
            await self.session.execute(statements.soon(statements.drop_grants(self.role)))
        for host in await self.session.fetch(_HOSTS, self.role):
            with suppress(PgvendError, asyncpg.PostgresError):
                async with self._inside(host, patience) as inside:
                    await visit(Dependents(inside, self.role, self.marks))

    @asynccontextmanager
    async def _inside(
        self, host: asyncpg.Record, patience: str
    ) -> AsyncIterator[asyncpg.Connection]:
        async with AsyncExitStack() as stack:
            session, login = await stack.enter_async_context(self._may_change(host))
            login = {**login, "database": host["database"]}
            try:
                inside = await stack.enter_async_context(_entered(login, patience))
            except (ProviderRejected, Unavailable):  # the neighbour may have closed the door
                opened = statements.let_admin_in(host["database"], host["owner"])
                await session.execute(statements.soon(opened))
                inside = await stack.enter_async_context(_entered(login, patience))
            yield inside

    @asynccontextmanager
    async def _may_change(
        self, host: asyncpg.Record
    ) -> AsyncIterator[tuple[Session | asyncpg.Connection, Login]]:
        """Yield a session that may change the database, and a login for its contents."""
        neighbour = self.marks.id_in(host["mark"])
        if self.server.superuser:
            async with single_session(self.server.superuser) as superuser:
                yield superuser, self.server.superuser
        elif neighbour is None:
            raise ProviderRejected(f"The database {host['database']!r} is not one of ours.")
        else:
            async with member_of(self.session, host["owner"], neighbour):
                yield self.session, self.server.admin


@asynccontextmanager
async def _entered(login: Login, patience: str) -> AsyncIterator[asyncpg.Connection]:
    async with single_session(login, lock_timeout=patience) as inside:
        if inside.get_server_version().major >= FIRST_WITH_TRANSACTION_TIMEOUT:
            await inside.execute("SET transaction_timeout = 0")
        yield inside


async def _clear(dependents: Dependents) -> None:
    """A neighbour's open transaction can hold what is to be changed: it gets a moment to end."""
    try:
        await dependents.remove()
    except asyncpg.LockNotAvailableError:
        await dependents.session.execute(statements.END_SESSIONS_HERE)
        await dependents.remove()

"""Revocation of privileges that others granted to a tenant.

PostgreSQL does not drop a role while any object refers to it.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass

import asyncpg

from adapters.driver.connector import Login
from adapters.postgres import statements
from adapters.postgres.dependents import Dependents
from adapters.postgres.marks import Marks
from adapters.postgres.membership import role_membership
from adapters.postgres.server import Server
from adapters.postgres.sessions import Session, open_session
from domain.errors import PgvendError, ProviderRejected, Unavailable

MAX_DATABASES = 20
"""The maximum number of databases that one call connects to; later calls connect to others."""

REVOKE_TIMEOUT = 30.0
"""The maximum duration of one call in seconds: the deletion of a role does not wait until all
grants to it are revoked."""

FIRST_WITH_TRANSACTION_TIMEOUT = 17
"""The first version with the setting `transaction_timeout`."""

DatabaseAction = Callable[[Dependents], Awaitable[None]]
"""An action on the objects in one database that refer to a role."""

_REFERENCING_DATABASES = f"""
SELECT d.datname AS name, pg_get_userbyid(d.datdba) AS owner,
       shobj_description(d.datdba, 'pg_authid') AS mark
FROM pg_database AS d WHERE datallowconn AND d.oid IN (
    SELECT CASE WHEN dbid = 0 AND classid = 'pg_database'::regclass THEN objid ELSE dbid END
    FROM pg_shdepend WHERE refclassid = 'pg_authid'::regclass
      AND refobjid = (SELECT oid FROM pg_roles WHERE rolname = $1)
) ORDER BY random() LIMIT {MAX_DATABASES}
"""


@dataclass(frozen=True)
class GrantRevocation:
    """Removes objects that refer to the role, as far as the admin may: in this database, in
    neighbours' databases and, with a superuser, in all databases. A tenant can grant privileges to
    a neighbour without its consent. Objects that cannot be removed now stay, without an error."""

    session: Session
    role: str
    server: Server
    marks: Marks

    async def revoke_at_once(self) -> None:
        """Remove all objects that refer to the role if one transaction can. End a neighbour's
        sessions if they lock these objects."""
        await self._run_with_timeout(_remove_dependents, "2s")

    async def revoke_in_parts(self) -> None:
        """Remove some of the objects in each database. Do not wait for locks."""
        await self._run_with_timeout(Dependents.remove_in_parts, "100ms")

    async def _run_with_timeout(self, action: DatabaseAction, lock_timeout: str) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(REVOKE_TIMEOUT):
                await self._run_in_databases(action, lock_timeout)

    async def _run_in_databases(self, action: DatabaseAction, lock_timeout: str) -> None:
        with suppress(asyncpg.PostgresError):
            await self.session.execute(
                statements.with_short_lock_timeout(statements.drop_owned(self.role))
            )
        for database in await self.session.fetch(_REFERENCING_DATABASES, self.role):
            with suppress(PgvendError, asyncpg.PostgresError):
                async with self._open_database(database, lock_timeout) as inside:
                    await action(Dependents(inside, self.role, self.marks))

    @asynccontextmanager
    async def _open_database(
        self, database: asyncpg.Record, lock_timeout: str
    ) -> AsyncIterator[asyncpg.Connection]:
        async with AsyncExitStack() as stack:
            session, login = await stack.enter_async_context(self._privileged_session(database))
            login = {**login, "database": database["name"]}
            try:
                inside = await stack.enter_async_context(_open_inside(login, lock_timeout))
            except (ProviderRejected, Unavailable):  # the neighbour may have closed its database
                statement = statements.open_to_admin(database["name"], database["owner"])
                await session.execute(statements.with_short_lock_timeout(statement))
                inside = await stack.enter_async_context(_open_inside(login, lock_timeout))
            yield inside

    @asynccontextmanager
    async def _privileged_session(
        self, database: asyncpg.Record
    ) -> AsyncIterator[tuple[Session | asyncpg.Connection, Login]]:
        """Yield a session that may change the database, and a login to connect to it."""
        neighbour_id = self.marks.id_from_mark(database["mark"])
        if self.server.superuser:
            async with open_session(self.server.superuser) as superuser:
                yield superuser, self.server.superuser
        elif neighbour_id is None:
            raise ProviderRejected(f"pgvend did not create the database {database['name']!r}.")
        else:
            async with role_membership(self.session, database["owner"], neighbour_id):
                yield self.session, self.server.admin


@asynccontextmanager
async def _open_inside(login: Login, lock_timeout: str) -> AsyncIterator[asyncpg.Connection]:
    async with open_session(login, lock_timeout=lock_timeout) as inside:
        if inside.get_server_version().major >= FIRST_WITH_TRANSACTION_TIMEOUT:
            await inside.execute("SET transaction_timeout = 0")
        yield inside


async def _remove_dependents(dependents: Dependents) -> None:
    """Remove the objects. If a neighbour's open transaction still locks one of them after the lock
    timeout, end the database's sessions."""
    try:
        await dependents.remove()
    except asyncpg.LockNotAvailableError:
        await dependents.session.execute(statements.END_SESSIONS_IN_DATABASE)
        await dependents.remove()

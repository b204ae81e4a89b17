"""Copies of a tenant's database for a new owner.

A copy has no valid login until it is complete: its role may open no session (CONNECTION LIMIT 0),
which only the admin can change. A repeated call continues after a crash at any statement.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, nullcontext
from dataclasses import dataclass

import asyncpg

from adapters.postgres import statements
from adapters.postgres.blocking_sessions import end_database_sessions
from adapters.postgres.database_settings import copy_settings
from adapters.postgres.deletion import drop_database
from adapters.postgres.inspection import TenantState, inspect_tenant
from adapters.postgres.marks import Marks
from adapters.postgres.membership import role_membership
from adapters.postgres.ownership import FORMER_OWNERS, OwnershipTransfer
from adapters.postgres.server import Server
from adapters.postgres.sessions import Session, open_session
from adapters.postgres.tenant_access import PAUSE
from domain.errors import CopyUnsupported, DatabaseNotFound, SourceInUse
from domain.provisioning import ProvisionRequest, Tenant
from ports.driven.cancellation import run_to_completion

COPYING_LIMIT = 0
"""The connection limit of a role whose database is being copied."""

COPY_TIMEOUT = 300
"""Seconds for each statement that takes longer the larger the source is."""

MAX_CHECKS = 20
"""How often sessions in the source are checked before the copy is refused: one may be ending."""

_IS_INCOMPLETE = f"""
SELECT rolconnlimit = {COPYING_LIMIT} AND NOT EXISTS (
    SELECT FROM pg_database AS d WHERE datdba = r.oid
    AND shobj_description(d.oid, 'pg_database') IS NOT DISTINCT FROM $2
) FROM pg_roles AS r WHERE rolname = $1
"""
# both, because an operator may set the limit of a role, and a tenant the comment of its database

_SESSIONS = "SELECT pid FROM pg_stat_activity WHERE datname = $1 AND usename IS NOT NULL LIMIT 1"
# CREATE DATABASE ends autovacuum itself, whose sessions have no user

_PREPARED = "SELECT gid FROM pg_prepared_xacts WHERE database = $1 LIMIT 1"

_HAS_LOGIN_TRIGGER = """
SELECT coalesce((to_jsonb(d) ->> 'dathasloginevt')::boolean, false) FROM pg_database AS d
WHERE datname = $1
"""
# PostgreSQL 17 and newer

_UNSAFE_TRIGGERS = """
SELECT evtname FROM pg_event_trigger JOIN pg_proc AS p ON p.oid = evtfoid
JOIN pg_roles AS r ON r.oid = proowner WHERE evtenabled <> 'D' AND NOT rolsuper
"""

SESSIONS_IN_USE = (
    "Sessions are open in the database to copy: end them, or send end_sessions: true. Sessions of "
    "other users than the owner may have to end first."
)
PREPARED_IN_USE = (
    "Prepared transactions exist in the database to copy: commit them or roll them back first."
)
EVENT_TRIGGER = (
    "The database to copy has an event trigger that would run during the copy: have a superuser "
    "disable it."
)
FOREIGN_OBJECTS = (
    "The database to copy contains objects that depend on privileges which pgvend's admin cannot "
    "pass on: have a superuser change their owner or drop them."
)


async def find_missing_source(
    session: Session, request: ProvisionRequest, state: TenantState, marks: Marks
) -> Tenant | None:
    """Return the source that is still to be copied, or whose copy is to be completed, if any.
    Raises DatabaseNotFound if an incomplete copy has no source any more."""
    mark = marks.of(request.tenant)
    is_incomplete = state.has_role and await session.fetchval(_IS_INCOMPLETE, state.owner, mark)
    if is_incomplete and not request.source:
        raise _create_missing_source_error(request.tenant)
    has_database = any(not database.is_broken for database in state.databases)
    return None if has_database and not is_incomplete else request.source


@dataclass(frozen=True, kw_only=True)
class Copy:
    """Copies the source to the tenant, whose role exists, with the admin as a member. Leaves the
    database private, and closed by the role's connection limit."""

    session: Session
    tenant: Tenant
    source: Tenant
    ends_sessions: bool
    state: TenantState
    server: Server
    marks: Marks

    async def run(self) -> None:
        """Run the copy under the lock of the source, so that nothing of it is deleted or changed.

        Raises SourceInUse, DatabaseNotFound and CopyUnsupported.
        """
        await self.session.execute(f"SET statement_timeout = '{COPY_TIMEOUT}s'")  # until release
        await self.session.execute(statements.lock_tenant(self.source.id))
        owner, database = await self._find_source()
        async with role_membership(self.session, owner, None):
            await self._create(database)
            await self._transfer(owner)
            await copy_settings(self.session, (owner, database), (self._owner, self._database))

    @property
    def _owner(self) -> str:
        return self.tenant.names.owner

    @property
    def _intact(self) -> list[str]:
        return [database.name for database in self.state.databases if not database.is_broken]

    @property
    def _database(self) -> str:
        return next(iter(self._intact), self.tenant.names.database)

    async def _find_source(self) -> tuple[str, str]:
        """Return the names of the source's role and database."""
        state = await inspect_tenant(self.session, self.source, self.marks)
        for database in state.databases:
            if not database.is_broken:
                return state.owner, database.name
        raise _create_missing_source_error(self.tenant)

    async def _create(self, source: str) -> None:
        if self._intact:
            return
        for database in self.state.databases:
            await drop_database(self.session, database.name)
        await self._check_source(source)
        statement = statements.copy_database(source, self._database, self._owner)
        async with _ended_sessions(self.server, source) if self.ends_sessions else nullcontext():
            try:
                await self.session.execute(statement, timeout=COPY_TIMEOUT)
            except asyncpg.ObjectInUseError as error:
                raise SourceInUse(SESSIONS_IN_USE) from error

    async def _check_source(self, source: str) -> None:
        """Refuse the copy before it starts: CREATE DATABASE blocks logins to the source while it
        waits for the end of sessions."""
        if await self.session.fetchval(_HAS_LOGIN_TRIGGER, source):
            raise CopyUnsupported(EVENT_TRIGGER)
        if await self.session.fetch(_PREPARED, source):
            raise SourceInUse(PREPARED_IN_USE)
        if self.ends_sessions:
            return
        for _ in range(MAX_CHECKS):
            if not await self.session.fetch(_SESSIONS, source):
                return
            await self.session.execute(PAUSE)
        raise SourceInUse(SESSIONS_IN_USE)

    async def _transfer(self, source_owner: str) -> None:
        """Transfer the objects in the copy, as the admin in a session in it."""
        await self.session.execute(statements.open_to_owner(self._database, self._owner))
        login = {**self.server.admin, "database": self._database}
        async with (
            open_session(login, statement_timeout=f"{COPY_TIMEOUT}s") as inside,
            AsyncExitStack() as memberships,
        ):
            if await inside.fetch(_UNSAFE_TRIGGERS):
                raise CopyUnsupported(EVENT_TRIGGER)
            former = [source_owner]
            for row in await inside.fetch(FORMER_OWNERS, self._owner, self.marks.prefix):
                if row["name"] != source_owner:
                    tenant_id = self.marks.id_from_mark(row["mark"])
                    membership = role_membership(self.session, row["name"], tenant_id)
                    await memberships.enter_async_context(membership)
                    former.append(row["name"])
            try:
                await OwnershipTransfer(inside, former, source_owner, self._owner).run()
            except asyncpg.InsufficientPrivilegeError as error:
                raise CopyUnsupported(FOREIGN_OBJECTS) from error


@asynccontextmanager
async def _ended_sessions(server: Server, database: str) -> AsyncIterator[None]:
    """End all sessions in the database, again and again, until the context exits. CREATE DATABASE
    refuses new ones meanwhile, by its lock on the source."""
    async with open_session(server.admin) as session:
        ending = asyncio.ensure_future(_end_sessions_repeatedly(session, database))
        try:
            yield
        finally:
            ending.cancel()
            await run_to_completion(asyncio.gather(ending, return_exceptions=True))


async def _end_sessions_repeatedly(session: asyncpg.Connection, database: str) -> None:
    while True:
        await end_database_sessions(session, database)
        await session.execute(PAUSE)


def _create_missing_source_error(tenant: Tenant) -> DatabaseNotFound:
    return DatabaseNotFound(f"The source of the copy {tenant.id} does not exist on the server.")

"""DatabaseProvider over SQL."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import TypeVar

import asyncpg

from adapters.postgres import statements
from adapters.postgres.database_drop import drop_database
from adapters.postgres.deletion import Drop
from adapters.postgres.encoding import template_of
from adapters.postgres.errors import Raced
from adapters.postgres.extensions import available_extensions, install
from adapters.postgres.inspection import Marks, Sight, fetch_inventory, look, tombstone_name
from adapters.postgres.measurement import measure_databases
from adapters.postgres.read_only import Confinement
from adapters.postgres.requirements import check_powers
from adapters.postgres.server import Server
from adapters.postgres.sessions import POOL_SIZE, Session, session_of, single_session
from adapters.postgres.suspension import Suspend
from domain.connection import Connection
from domain.errors import DatabaseNotFound, NameTaken, ProviderBusy
from domain.extensions import Extension, check_available
from domain.provisioning import Holding, Order, Tenant, Tombstone
from domain.sizes import Measure
from ports.driven.database_provider import DatabaseProvider
from ports.driven.size_limiter import SizeGuard

T = TypeVar("T")

RACES = 5
"""The maximum number of attempts of one call after concurrent changes."""


@dataclass(frozen=True)
class PostgresProvider(DatabaseProvider, SizeGuard):
    """A provider of databases on one server."""

    server: Server
    marks: Marks
    pool: asyncpg.Pool
    resisting: asyncio.Semaphore = field(
        default_factory=lambda: asyncio.Semaphore(POOL_SIZE // 2), init=False, repr=False
    )
    """Limits calls whose tenants resist. These take time and must not occupy the whole pool."""
    removing: asyncio.Semaphore = field(
        default_factory=lambda: asyncio.Semaphore(1), init=False, repr=False
    )
    """Limits removals of tombstones to one. No caller waits for them."""

    async def provision(self, order: Order) -> Connection:
        password = await self.server.password_text(order.password)
        return await _despite_races(lambda: self._provision(order, password))

    async def _provision(self, order: Order, password: str) -> Connection:
        tenant = order.tenant
        async with self._locked(tenant) as session:
            state = await look(session, tenant, self.marks)
            if state.has_foreign:
                raise NameTaken(f"The name {tenant.names.database!r} is in use on the server.")
            if order.extensions and not state.databases:  # check before creating anything
                check_available(order.extensions, await self._available(session))
            await session.execute(self._role_statement(tenant, state, password))
            await self._make_database(session, tenant, state)
            await session.execute(statements.open_database(tenant, self.marks.of(tenant)))
        connection = await self.server.build_connection(order)
        await install(order.extensions, connection, self.server)
        return connection

    def _role_statement(self, tenant: Tenant, state: Sight, password: str) -> str:
        limit = self.server.connection_limit
        if not state.has_role:
            return statements.make_role(tenant, self.marks.of(tenant), password, limit)
        remade = statements.remake_role(tenant, password, limit)
        if state.owner == tenant.names.owner:
            return remade
        return f"{statements.rename_role(state.owner, tenant.names.owner)}; {remade}"

    async def _make_database(self, session: Session, tenant: Tenant, state: Sight) -> None:
        name = tenant.names.database
        whole = [database.name for database in state.databases if not database.broken]
        if name in whole:
            return
        if name in [database.name for database in state.databases]:
            await drop_database(session, name)
        if whole:  # renamed by its owner, or a spare
            await session.execute(statements.rename_database(whole[0], name))
            return
        template = await template_of(session)
        await session.execute(statements.make_database(tenant, template.clause))

    async def extensions(self) -> Sequence[Extension]:
        async with session_of(self.pool) as session:
            return await self._available(session)

    async def _available(self, session: Session) -> Sequence[Extension]:
        return await available_extensions(session, self.server.installable)

    async def install(self, order: Order) -> None:
        async with self._locked(order.tenant) as session:
            state = await self._found(session, order.tenant)
            if not state.databases:
                raise DatabaseNotFound(
                    f"The database {order.tenant.id} does not exist on the server."
                )
        connection = await self.server.build_connection(order)
        await _despite_races(lambda: install(order.extensions, connection, self.server))

    async def reveal(self, order: Order) -> Connection:
        return await self.server.build_connection(order)

    async def rotate(self, order: Order, *, end_sessions: bool = False) -> Connection:
        tenant, password = order.tenant, await self.server.password_text(order.password)
        async with self._locked(tenant) as session:
            access = self._suspend(session, await self._found(session, tenant))
            await access.insist(statements.set_password(tenant, password))
            if end_sessions:
                await access.end_sessions()
        return await self.server.build_connection(order)

    async def _found(self, session: Session, tenant: Tenant) -> Sight:
        """Inspect a tenant whose login is about to be handed out, and give its role the name in the
        record back. Raises DatabaseNotFound, and NameTaken if another role has that name."""
        state, name = await look(session, tenant, self.marks), tenant.names.owner
        if not state.has_role or state.is_tombstone(tenant):
            raise DatabaseNotFound(f"The database {tenant.id} does not exist on the server.")
        if state.owner != name:
            try:
                await session.execute(statements.rename_role(state.owner, name))
            except asyncpg.DuplicateObjectError as error:
                raise NameTaken(
                    f"The role name {name!r} is in use by another role on the server."
                ) from error
        return replace(state, owner=name)

    async def suspend(self, tenant: Tenant) -> None:
        async with self.resisting, self._locked(tenant) as session:
            state = await look(session, tenant, self.marks)
            if state.has_role:
                await self._suspend(session, state)()

    async def delete(self, tenant: Tenant) -> Tombstone | None:
        return await _despite_races(lambda: self._delete(tenant))

    async def _delete(self, tenant: Tenant) -> Tombstone | None:
        is_tombstone = tenant.names.owner == tombstone_name(tenant.id)
        place = self.removing if is_tombstone else self.resisting
        async with place, self._locked(tenant) as session:
            state = await look(session, tenant, self.marks)
            if not state.has_role:
                return None
            return await Drop(session, tenant, state, self.server, self.marks)()

    async def measures(self) -> Mapping[str, Measure]:
        async with session_of(self.pool) as session:
            return await measure_databases(session, self.marks)

    async def confine(self, tenant: Tenant) -> None:
        async with self.resisting, self._locked(tenant) as session:
            state = await look(session, tenant, self.marks)
            if state.has_role:
                await Confinement(self._suspend(session, state)).begin()

    async def release(self, tenant: Tenant) -> None:
        async with self.resisting, self._locked(tenant) as session:
            state = await look(session, tenant, self.marks)
            if state.has_role:
                await Confinement(self._suspend(session, state)).end()

    def _suspend(self, session: Session, state: Sight) -> Suspend:
        return Suspend(session, state.owner, state.databases, self.server, self.marks)

    async def inventory(self) -> Sequence[Holding]:
        async with session_of(self.pool) as session:
            return await fetch_inventory(session, self.marks)

    async def ping(self) -> None:
        """Check the server in a new session, so that a health check does not queue behind
        creations."""
        async with single_session(self.server.admin, lost=ProviderBusy) as session:
            await check_powers(session)

    @asynccontextmanager
    async def _locked(self, tenant: Tenant) -> AsyncIterator[Session]:
        """Yield a session with the tenant's advisory lock.

        A session that lost its connection may still be running a statement on the server. It keeps
        the lock until the statement ends, so a repeated call sees its final result.
        """
        async with session_of(self.pool) as session:
            await session.execute(statements.lock(tenant.id))
            yield session


async def _despite_races(call: Callable[[], Awaitable[T]]) -> T:
    for _ in range(RACES - 1):
        with suppress(Raced):
            return await call()
    return await call()

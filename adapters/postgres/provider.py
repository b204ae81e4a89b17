"""DatabaseProvider by SQL."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import TypeVar

import asyncpg

from adapters.postgres import statements
from adapters.postgres.confining import Confinement
from adapters.postgres.dropping import Drop
from adapters.postgres.encoding import template_of
from adapters.postgres.errors import Raced
from adapters.postgres.extensions import available_extensions, install
from adapters.postgres.fitness import check_powers
from adapters.postgres.measuring import measures
from adapters.postgres.server import Server
from adapters.postgres.sessions import POOL_SIZE, Session, session_of, single_session
from adapters.postgres.sight import Marks, Sight, inventory, look, tombstone_name
from adapters.postgres.stalled import drop_database
from adapters.postgres.suspending import Suspend
from domain.connection import Connection
from domain.errors import DatabaseNotFound, NameTaken, ProviderBusy
from domain.extensions import Extension, check_available
from domain.order import Holding, Order, Tenant, Tombstone
from domain.sizes import Measure
from ports.driven.database_provider import DatabaseProvider
from ports.driven.size_guard import SizeGuard

T = TypeVar("T")

RACES = 5
"""How often one call looks again after it lost a race."""


@dataclass(frozen=True)
class PostgresProvider(DatabaseProvider, SizeGuard):
    server: Server
    marks: Marks
    pool: asyncpg.Pool
    resisting: asyncio.Semaphore = field(
        default_factory=lambda: asyncio.Semaphore(POOL_SIZE // 2), init=False, repr=False
    )
    """Calls whose tenants resist take time, and must not take every place in the pool."""
    removing: asyncio.Semaphore = field(
        default_factory=lambda: asyncio.Semaphore(1), init=False, repr=False
    )
    """Tombstones, of which nobody waits for the end, take only one."""

    async def provision(self, order: Order) -> Connection:
        password = await self.server.password_text(order.password)
        return await _despite_races(lambda: self._provision(order, password))

    async def _provision(self, order: Order, password: str) -> Connection:
        tenant = order.tenant
        async with self._locked(tenant) as session:
            sight = await look(session, tenant, self.marks)
            if sight.has_foreign:
                raise NameTaken(f"The name {tenant.names.database!r} is in use on the server.")
            if order.extensions and not sight.databases:  # before anything is there
                check_available(order.extensions, await self._available(session))
            await session.execute(self._role_statement(tenant, sight, password))
            await self._make_database(session, tenant, sight)
            await session.execute(statements.open_database(tenant, self.marks.of(tenant)))
        connection = await self.server.connection(order)
        await install(order.extensions, connection, self.server)
        return connection

    def _role_statement(self, tenant: Tenant, sight: Sight, password: str) -> str:
        limit = self.server.connection_limit
        if not sight.has_role:
            return statements.make_role(tenant, self.marks.of(tenant), password, limit)
        remade = statements.remake_role(tenant, password, limit)
        if sight.owner == tenant.names.owner:
            return remade
        return f"{statements.rename_role(sight.owner, tenant.names.owner)}; {remade}"

    async def _make_database(self, session: Session, tenant: Tenant, sight: Sight) -> None:
        name = tenant.names.database
        whole = [database.name for database in sight.databases if not database.broken]
        if name in whole:
            return
        if name in [database.name for database in sight.databases]:
            await drop_database(session, name)
        if whole:  # under the name that it was given since, or as a spare
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
            sight = await self._found(session, order.tenant)
            if not sight.databases:
                raise DatabaseNotFound(f"There is no database {order.tenant.id} on the server.")
        connection = await self.server.connection(order)
        await _despite_races(lambda: install(order.extensions, connection, self.server))

    async def reveal(self, order: Order) -> Connection:
        return await self.server.connection(order)

    async def rotate(self, order: Order, *, end_sessions: bool = False) -> Connection:
        tenant, password = order.tenant, await self.server.password_text(order.password)
        async with self._locked(tenant) as session:
            access = self._suspend(session, await self._found(session, tenant))
            await access.insist(statements.set_password(tenant, password))
            if end_sessions:
                await access.end_sessions()
        return await self.server.connection(order)

    async def _found(self, session: Session, tenant: Tenant) -> Sight:
        """Look for a tenant that is handed out its login: its role gets the name in its record
        back. Raises DatabaseNotFound, and NameTaken when others have that name now."""
        sight, name = await look(session, tenant, self.marks), tenant.names.owner
        if not sight.has_role or sight.is_tombstone(tenant):
            raise DatabaseNotFound(f"There is no database {tenant.id} on the server.")
        if sight.owner != name:
            try:
                await session.execute(statements.rename_role(sight.owner, name))
            except asyncpg.DuplicateObjectError as error:
                raise NameTaken(f"The role {name!r} on the server is another one.") from error
        return replace(sight, owner=name)

    async def suspend(self, tenant: Tenant) -> None:
        async with self.resisting, self._locked(tenant) as session:
            sight = await look(session, tenant, self.marks)
            if sight.has_role:
                await self._suspend(session, sight)()

    async def delete(self, tenant: Tenant) -> Tombstone | None:
        return await _despite_races(lambda: self._delete(tenant))

    async def _delete(self, tenant: Tenant) -> Tombstone | None:
        is_tombstone = tenant.names.owner == tombstone_name(tenant.id)
        place = self.removing if is_tombstone else self.resisting
        async with place, self._locked(tenant) as session:
            sight = await look(session, tenant, self.marks)
            if not sight.has_role:
                return None
            return await Drop(session, tenant, sight, self.server, self.marks)()

    async def measures(self) -> Mapping[str, Measure]:
        async with session_of(self.pool) as session:
            return await measures(session, self.marks)

    async def confine(self, tenant: Tenant) -> None:
        async with self.resisting, self._locked(tenant) as session:
            sight = await look(session, tenant, self.marks)
            if sight.has_role:
                await Confinement(self._suspend(session, sight)).begin()

    async def release(self, tenant: Tenant) -> None:
        async with self.resisting, self._locked(tenant) as session:
            sight = await look(session, tenant, self.marks)
            if sight.has_role:
                await Confinement(self._suspend(session, sight)).end()

    def _suspend(self, session: Session, sight: Sight) -> Suspend:
        return Suspend(session, sight.owner, sight.databases, self.server, self.marks)

    async def inventory(self) -> Sequence[Holding]:
        async with session_of(self.pool) as session:
            return await inventory(session, self.marks)

    async def ping(self) -> None:
        """In a session of its own: who asks for our health does not queue behind vends."""
        async with single_session(self.server.admin, lost=ProviderBusy) as session:
            await check_powers(session)

    @asynccontextmanager
    async def _locked(self, tenant: Tenant) -> AsyncIterator[Session]:
        """A session that works on the tenant alone.

        A session that was cut off may still be at work on the server: it holds the lock until it
        is done, so that whoever repeats its call looks at what it left, not at what it is leaving.
        """
        async with session_of(self.pool) as session:
            await session.execute(statements.lock(tenant.id))
            yield session


async def _despite_races(call: Callable[[], Awaitable[T]]) -> T:
    for _ in range(RACES - 1):
        with suppress(Raced):
            return await call()
    return await call()

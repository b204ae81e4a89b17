"""DatabaseProvider by SQL."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg

from adapters.postgres import statements
from adapters.postgres.dropping import drop
from adapters.postgres.errors import Raced
from adapters.postgres.extensions import install
from adapters.postgres.fitness import check_powers
from adapters.postgres.scram import scram_verifier
from adapters.postgres.server import Server
from adapters.postgres.sessions import Session, session_of
from adapters.postgres.sight import Marks, Sight, inventory, look
from domain.connection import Connection
from domain.errors import DatabaseNotFound, NameTaken
from domain.order import Holding, Order, Tenant
from ports.driven.database_provider import DatabaseProvider

RACES = 5
"""How often one call looks again after it lost a race."""


@dataclass(frozen=True)
class PostgresProvider(DatabaseProvider):
    server: Server
    marks: Marks
    pool: asyncpg.Pool

    async def provision(self, order: Order) -> Connection:
        verifier = await scram_verifier(order.password)
        for _ in range(RACES - 1):
            try:
                return await self._provision(order, verifier)
            except Raced:
                continue
        return await self._provision(order, verifier)

    async def _provision(self, order: Order, verifier: str) -> Connection:
        tenant = order.tenant
        async with self._locked(tenant) as session:
            sight = await look(session, tenant, self.marks)
            if sight.has_foreign:
                raise NameTaken(f"The name {tenant.names.database!r} is in use on the server.")
            await session.execute(self._role_statement(tenant, sight, verifier))
            await self._make_database(session, tenant, sight)
            await session.execute(statements.open_database(tenant, self.marks.of(tenant)))
        connection = self.server.connection(order)
        await install(order.extensions, connection, self.server)
        return connection

    def _role_statement(self, tenant: Tenant, sight: Sight, verifier: str) -> str:
        limit = self.server.connection_limit
        if sight.has_role:
            return statements.remake_role(tenant, verifier, limit)
        return statements.make_role(tenant, self.marks.of(tenant), verifier, limit)

    async def _make_database(self, session: Session, tenant: Tenant, sight: Sight) -> None:
        for database in sight.databases:
            if database.name == tenant.names.database:
                if not database.broken:
                    return
                await session.execute(statements.drop_database(database.name))
        await session.execute(statements.make_database(tenant))

    async def rotate(self, order: Order) -> Connection:
        verifier = await scram_verifier(order.password)
        async with self._locked(order.tenant) as session:
            if not (await look(session, order.tenant, self.marks)).has_role:
                raise DatabaseNotFound(f"There is no database {order.tenant.id} on the server.")
            await session.execute(statements.set_password(order.tenant, verifier))
        return self.server.connection(order)

    async def retire(self, tenant: Tenant) -> None:
        async with self._locked(tenant) as session:
            sight = await look(session, tenant, self.marks)
            if sight.has_role:
                await drop(session, tenant.names.owner, sight.databases, self.server, self.marks)

    async def inventory(self) -> Sequence[Holding]:
        async with session_of(self.pool) as session:
            return await inventory(session, self.marks)

    async def ping(self) -> None:
        async with session_of(self.pool) as session:
            await check_powers(session)

    @asynccontextmanager
    async def _locked(self, tenant: Tenant) -> AsyncIterator[Session]:
        """A session that works on the tenant alone.

        A session that was cut off may still be at work on the server: it holds the lock until it
        is done, so that whoever repeats its call looks at what it left, not at what it is leaving.
        """
        async with session_of(self.pool) as session:
            await session.execute(statements.lock(tenant))
            yield session

"""A suspension of a tenant that resists, and the proof of it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest

from adapters.postgres.login_check import PostgresLoginCheck
from domain.connection import Connection
from domain.errors import ProviderRejected
from domain.order import Order
from tests.support.databases import vended
from tests.support.obstacles import REFUSALS, filled
from tests.support.orders import new_order
from tests.support.places import Place, tenant

_INSIDE = """
SELECT usename::text FROM pg_stat_activity
WHERE (usename = $1 OR datname = $2) AND backend_type = 'client backend'
  AND usename <> 'postgres'
"""

_MEMBERSHIPS = """
SELECT 'member' FROM pg_auth_members
WHERE pg_get_userbyid(roleid) = $1 AND ({living})
"""

_OPEN = "SELECT datallowconn OR rolcanlogin FROM pg_database, pg_roles WHERE {which}"


@asynccontextmanager
async def suspended(place: Place, order: Order | None = None) -> AsyncIterator[Connection]:
    """A tenant with data that is to be shut out at the end, whatever was done before."""
    order = order or new_order()
    async with vended(place.provider, order) as connection:
        await keep_an_answer(connection)
        yield connection
        await place.provider.suspend(order.tenant)
        await assert_shut_out(place, connection)
        assert await kept_answer(await place.provider.provision(order)) == 42


async def assert_shut_out(place: Place, connection: Connection) -> None:
    """Nobody is in, nobody gets in, and the admin could not either."""
    assert await place.sql(_INSIDE, connection.user, connection.database) == []
    with pytest.raises(ProviderRejected):
        await PostgresLoginCheck().verify(connection)
    which = f"datname = '{connection.database}' AND rolname = '{connection.user}'"
    assert await place.sql(_OPEN.format(which=which)) == [False]
    assert await memberships(place, connection) == []


@asynccontextmanager
async def reopening(connection: Connection, clients: int) -> AsyncIterator[None]:
    """Clients that log in again and again, and open their database whenever they are in."""
    tasks = [asyncio.create_task(_reopen(connection)) for _ in range(clients)]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _reopen(connection: Connection) -> None:
    statement = filled("ALTER DATABASE {database} ALLOW_CONNECTIONS true", connection)
    while True:
        with suppress(*REFUSALS):
            async with tenant(connection) as session:
                for _ in range(20):
                    await session.execute(statement)
        await asyncio.sleep(0)


async def memberships(place: Place, connection: Connection) -> list[str]:
    """Of whoever may act as the owner."""
    [version] = await place.sql("SELECT current_setting('server_version_num')::int / 10000")
    living = "inherit_option OR set_option" if version >= 16 else "true"
    return await place.sql(_MEMBERSHIPS.format(living=living), connection.user)


async def keep_an_answer(connection: Connection) -> None:
    async with tenant(connection) as session:
        await session.execute("CREATE TABLE kept AS SELECT 42 AS answer")


async def kept_answer(connection: Connection) -> object:
    async with tenant(connection) as session:
        return await session.fetchval("SELECT answer FROM kept")

"""Databases that have to go, and clients that will not."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import asyncpg

from domain.connection import Connection
from tests.support.databases import held
from tests.support.orders import new_order
from tests.support.places import Place, tenant

REFUSALS = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError)
"""What a client gets when its database goes away."""


@asynccontextmanager
async def doomed(place: Place) -> AsyncIterator[Connection]:
    """A database that has to be gone at the end, whatever was done with it."""
    order = new_order()
    yield await place.provider.provision(order)
    await place.provider.retire(order.tenant)
    assert await held(place.provider, order) == []
    assert await place.has(order) == (False, False)


def filled(statement: str, connection: Connection) -> str:
    """The statement about this database and its owner."""
    return statement.format(database=f'"{connection.database}"', user=f'"{connection.user}"')


@asynccontextmanager
async def storm(connection: Connection, clients: int, **changes: object) -> AsyncIterator[None]:
    """Clients that log in again as soon as they are refused or thrown out."""
    begun = asyncio.Event()
    tasks = [asyncio.create_task(_return(connection, begun, changes)) for _ in range(clients)]
    await begun.wait()
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _return(connection: Connection, begun: asyncio.Event, changes: dict[str, object]) -> None:
    while True:
        with suppress(*REFUSALS):
            async with tenant(connection, **changes) as session:
                begun.set()
                await session.execute("SELECT pg_sleep(30)")
        begun.set()
        await asyncio.sleep(0)

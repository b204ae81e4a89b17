"""Locks that other tenants hold, and loops that they run, do not hold up the end of one."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from domain.connection import Connection
from tests.support.databases import held, vended
from tests.support.obstacles import doomed, filled, left_open, looping, run
from tests.support.orders import new_order
from tests.support.places import Place, tenant

SOON = 30
"""Seconds, of which a loaded machine takes many."""

CLOSING = "ALTER DATABASE {database} CONNECTION LIMIT 0"
OWN = {
    "closing its database": CLOSING,
    "setting its database": "ALTER DATABASE {database} SET work_mem = 64",
    "setting its role": "ALTER ROLE {user} SET work_mem = 64",
    "setting its password": "ALTER ROLE {user} PASSWORD 'another'",
}


@pytest.fixture
async def neighbour(place: Place) -> AsyncIterator[Connection]:
    async with vended(place.provider, new_order()) as connection:
        yield connection


async def test_a_neighbour_that_names_a_database_in_an_open_transaction_does_not_keep_it(
    place: Place, neighbour: Connection
) -> None:
    naming = f'ALTER ROLE "{neighbour.user}" IN DATABASE {{database}} SET work_mem = 64'
    async with asyncio.timeout(SOON), AsyncExitStack() as sessions, doomed(place) as connection:
        await sessions.enter_async_context(left_open(neighbour, naming, about=connection))


@pytest.mark.parametrize("statement", OWN.values(), ids=OWN)
async def test_a_tenant_in_a_loop_does_not_keep_itself(place: Place, statement: str) -> None:
    async with asyncio.timeout(SOON), AsyncExitStack() as loops, doomed(place) as connection:
        await loops.enter_async_context(looping(connection, statement, 2))


async def test_a_tenant_in_a_loop_does_not_keep_its_prepared_transactions(place_15: Place) -> None:
    async with asyncio.timeout(SOON), AsyncExitStack() as loops, doomed(place_15) as connection:
        async with tenant(connection) as session:
            for each in ("BEGIN", OWN["setting its password"], "PREPARE TRANSACTION 'left'"):
                await session.execute(filled(each, connection))
        await loops.enter_async_context(looping(connection, CLOSING, 2))


async def test_a_neighbour_in_a_loop_does_not_keep_the_names_of_a_tenant_that_it_names(
    place: Place, neighbour: Connection
) -> None:
    order = new_order()
    connection = await place.provider.provision(order)
    await run(neighbour, "GRANT ALL ON SCHEMA public TO {user}", about=connection)
    async with asyncio.timeout(SOON):
        async with looping(neighbour, CLOSING, 2):
            await place.provider.delete(order.tenant)
            assert await place.has(order) == (False, False)
        await place.provider.delete(order.tenant)
    assert await held(place.provider, order) == []

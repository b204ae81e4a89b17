"""Locks and loops of other tenants do not delay the deletion of one."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from domain.connection import Connection
from tests.support.databases import held, vended
from tests.support.obstacles import doomed, filled, left_open, looping, run
from tests.support.postgres_under_test import Place, tenant
from tests.support.provision_requests import new_order

SOON = 30
"""Seconds. A loaded machine needs many."""

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


async def test_a_neighbours_open_transaction_does_not_block_a_deletion(
    place: Place, neighbour: Connection
) -> None:
    naming = f'ALTER ROLE "{neighbour.user}" IN DATABASE {{database}} SET work_mem = 64'
    async with asyncio.timeout(SOON), AsyncExitStack() as sessions, doomed(place) as connection:
        await sessions.enter_async_context(left_open(neighbour, naming, about=connection))


@pytest.mark.parametrize("statement", OWN.values(), ids=OWN)
async def test_a_tenant_in_a_loop_does_not_block_its_deletion(place: Place, statement: str) -> None:
    async with asyncio.timeout(SOON), AsyncExitStack() as loops, doomed(place) as connection:
        await loops.enter_async_context(looping(connection, statement, 2))


async def test_a_tenant_in_a_loop_does_not_block_the_end_of_its_prepared_transactions(
    place_15: Place,
) -> None:
    async with asyncio.timeout(SOON), AsyncExitStack() as loops, doomed(place_15) as connection:
        async with tenant(connection) as session:
            for each in ("BEGIN", OWN["setting its password"], "PREPARE TRANSACTION 'left'"):
                await session.execute(filled(each, connection))
        await loops.enter_async_context(looping(connection, CLOSING, 2))


async def test_a_neighbour_in_a_loop_does_not_keep_a_deleted_tenants_names_in_use(
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

"""Locks and loops of other tenants do not delay the deletion of one."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from domain.connection import Connection
from tests.support.databases import find_in_inventory, provisioned_database
from tests.support.obstacles import (
    database_to_delete,
    fill_names,
    looping_clients,
    open_transaction,
    run,
)
from tests.support.postgres_under_test import PostgresUnderTest, tenant_session
from tests.support.provision_requests import new_provision_request

TIMEOUT = 30
"""Seconds; a loaded machine needs many."""

CLOSING = "ALTER DATABASE {database} CONNECTION LIMIT 0"
LOOPS = {
    "closing its database": CLOSING,
    "setting its database": "ALTER DATABASE {database} SET work_mem = 64",
    "setting its role": "ALTER ROLE {user} SET work_mem = 64",
    "setting its password": "ALTER ROLE {user} PASSWORD 'another'",
}


@pytest.fixture
async def neighbour(postgres: PostgresUnderTest) -> AsyncIterator[Connection]:
    async with provisioned_database(postgres.provider, new_provision_request()) as connection:
        yield connection


async def test_a_neighbours_open_transaction_does_not_block_a_deletion(
    postgres: PostgresUnderTest, neighbour: Connection
) -> None:
    statement = f'ALTER ROLE "{neighbour.user}" IN DATABASE {{database}} SET work_mem = 64'
    async with (
        asyncio.timeout(TIMEOUT),
        AsyncExitStack() as sessions,
        database_to_delete(postgres) as connection,
    ):
        await sessions.enter_async_context(open_transaction(neighbour, statement, about=connection))


@pytest.mark.parametrize("statement", LOOPS.values(), ids=LOOPS)
async def test_a_tenant_in_a_loop_does_not_block_its_deletion(
    postgres: PostgresUnderTest, statement: str
) -> None:
    async with (
        asyncio.timeout(TIMEOUT),
        AsyncExitStack() as loops,
        database_to_delete(postgres) as connection,
    ):
        await loops.enter_async_context(looping_clients(connection, statement, 2))


async def test_a_tenant_in_a_loop_does_not_block_the_end_of_its_prepared_transactions(
    postgres_15: PostgresUnderTest,
) -> None:
    async with (
        asyncio.timeout(TIMEOUT),
        AsyncExitStack() as loops,
        database_to_delete(postgres_15) as connection,
    ):
        async with tenant_session(connection) as session:
            for each in ("BEGIN", LOOPS["setting its password"], "PREPARE TRANSACTION 'left'"):
                await session.execute(fill_names(each, connection))
        await loops.enter_async_context(looping_clients(connection, CLOSING, 2))


async def test_a_neighbour_in_a_loop_does_not_keep_a_deleted_tenants_names_in_use(
    postgres: PostgresUnderTest, neighbour: Connection
) -> None:
    provision_request = new_provision_request()
    connection = await postgres.provider.provision(provision_request)
    await run(neighbour, "GRANT ALL ON SCHEMA public TO {user}", about=connection)
    async with asyncio.timeout(TIMEOUT):
        async with looping_clients(neighbour, CLOSING, 2):
            await postgres.provider.delete(provision_request.tenant)
            assert await postgres.has(provision_request) == (False, False)
        await postgres.provider.delete(provision_request.tenant)
    assert await find_in_inventory(postgres.provider, provision_request) == []

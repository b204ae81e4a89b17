"""Read-only mode and password rotation of a tenant, and obstacles to both."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from adapters.postgres.errors import FAILURES
from adapters.postgres.login_check import PostgresLoginCheck
from domain.connection import Connection
from domain.errors import ProviderRejected
from domain.provisioning import Order
from tests.support.databases import vended
from tests.support.obstacles import left_open, memberships, run
from tests.support.polling import until
from tests.support.postgres_under_test import Place, operated, tenant, without_rights
from tests.support.provision_requests import new_order, rotated
from tests.support.servers import OperatorsServer
from tests.support.sizes import (
    MEASURING,
    assert_read_only,
    assert_writable,
    fill,
    make_room,
)

OWN_PASSWORD = "ALTER ROLE {user} PASSWORD 'kept'"

LEFT_OPEN = [
    "ALTER ROLE {user} IN DATABASE {database} SET default_transaction_read_only = off",
    "ALTER ROLE {user} IN DATABASE {database} SET work_mem = '8MB'",
    "ALTER ROLE {user} PASSWORD 'being-changed'",
    "ALTER DATABASE {database} SET work_mem = '8MB'",
    "LOCK room",
]


@pytest.fixture
def order() -> Order:
    return new_order()


@pytest.fixture
async def connection(place: Place, order: Order) -> AsyncIterator[Connection]:
    async with vended(place.provider, order) as connection:
        yield connection


async def test_databases_are_measured(place: Place, order: Order, connection: Connection) -> None:
    """A database that its owner closed, even to itself, is measured too."""

    async def size() -> int:
        return (await place.provider.measures())[order.tenant.id].size

    before = await size()
    await fill(connection, 4)
    assert await size() - before > 4_000_000
    await make_room(connection)
    assert await size() - before < 1_000_000
    await run(connection, "REVOKE ALL ON DATABASE {database} FROM {user}, PUBLIC")
    assert await size() > 4 << 20


async def test_a_read_only_tenant_cannot_write_but_may_free_space(
    place: Place, order: Order, connection: Connection
) -> None:
    await fill(connection, 1)
    async with tenant(connection) as before:
        await place.provider.confine(order.tenant)
        await until(lambda: _is_over(before))
    await assert_read_only(connection)
    async with tenant(connection) as opened:
        assert await opened.fetchval("SELECT count(*) FROM room") == 1000
    await make_room(connection)
    await assert_read_only(connection)


async def test_clearing_read_only_allows_writes_and_ends_idle_sessions(
    place: Place, order: Order, connection: Connection
) -> None:
    """Idle sessions, such as a pool's, would stay read-only. Active sessions continue."""
    await run(connection, "ALTER ROLE {user} IN DATABASE {database} SET work_mem = '7MB'")
    await place.provider.confine(order.tenant)
    async with tenant(connection) as idle, tenant(connection) as busy:
        async with busy.transaction():
            await place.provider.release(order.tenant)
            assert await busy.fetchval("SELECT 42") == 42
        await until(lambda: _is_over(idle))
    await assert_writable(connection)
    async with tenant(connection) as opened:
        assert await opened.fetchval("SHOW work_mem") == "7MB", "a setting of its own"
    assert await memberships(place, connection) == []


@pytest.mark.parametrize("statement", LEFT_OPEN)
async def test_an_open_transaction_does_not_keep_a_database_writable(
    place: Place, order: Order, connection: Connection, statement: str
) -> None:
    await fill(connection, 1)
    async with left_open(connection, statement):
        await place.provider.confine(order.tenant)
    await assert_read_only(connection)


async def test_an_open_transaction_does_not_block_a_rotation(
    place: Place, order: Order, connection: Connection
) -> None:
    async with left_open(connection, OWN_PASSWORD) as holding:
        await PostgresLoginCheck().verify(await place.provider.rotate(rotated(order)))
        with pytest.raises(ProviderRejected):
            await PostgresLoginCheck().verify(connection)
        with pytest.raises(FAILURES):
            await holding.execute("COMMIT")
    assert await memberships(place, connection) == []


async def test_a_prepared_transaction_does_not_block_a_rotation(place_15: Place) -> None:
    order = new_order()
    async with vended(place_15.provider, order) as old:
        async with left_open(old, OWN_PASSWORD) as session:
            await session.execute("PREPARE TRANSACTION 'kept'")
        await PostgresLoginCheck().verify(await place_15.provider.rotate(rotated(order)))
        assert await memberships(place_15, old) == []


async def test_a_rotation_keeps_sessions_that_do_not_block_it(
    place: Place, order: Order, connection: Connection
) -> None:
    async with left_open(connection, "ALTER ROLE {user} SET work_mem = '8MB'") as session:
        await place.provider.rotate(rotated(order))
        assert await session.fetchval("SELECT 42") == 42
    assert await memberships(place, connection) == []


async def test_a_missing_privilege_to_measure_is_reported_with_its_fix(
    server_15: OperatorsServer, server_18: OperatorsServer
) -> None:
    for server in (server_15, server_18):
        async with operated(server) as place, without_rights(server, MEASURING):
            with pytest.raises(ProviderRejected, match='GRANT pg_read_all_stats TO "admin";'):
                await place.provider.measures()


async def _is_over(ended: asyncpg.Connection) -> bool:
    return bool(ended.is_closed())

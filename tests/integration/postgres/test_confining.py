"""What a tenant that is confined can do, and cannot, and what stands in the way of confining it."""

from collections.abc import AsyncIterator
from functools import partial

import asyncpg
import pytest

from domain.errors import ProviderRejected
from domain.order import Order
from tests.support.databases import vended
from tests.support.holding import left_open
from tests.support.obstacles import filled
from tests.support.orders import new_order
from tests.support.places import Place, operated, refused, tenant
from tests.support.polling import until
from tests.support.servers import OperatorsServer
from tests.support.sizes import (
    GRANT,
    REVOKE,
    assert_read_only,
    assert_writable,
    fill,
    make_room,
)
from tests.support.suspended import memberships

LEFT_OPEN = [
    "ALTER ROLE {user} IN DATABASE {database} SET default_transaction_read_only = off",
    "ALTER ROLE {user} IN DATABASE {database} SET work_mem = '8MB'",
    "ALTER ROLE {user} PASSWORD 'being-changed'",
    "ALTER DATABASE {database} SET work_mem = '8MB'",
    "LOCK room",
]


@pytest.fixture
async def measured(place: Place) -> AsyncIterator[Place]:
    """A place whose admin may measure."""
    is_operators = "dsn" in place.provider.server.admin
    if is_operators:
        await place.sql(GRANT)
    yield place
    if is_operators:
        await place.sql(REVOKE)


async def size_of(place: Place, order: Order) -> int:
    return (await place.provider.measures())[order.tenant.id].size


async def test_what_a_tenant_writes_is_measured(measured: Place) -> None:
    order = new_order()
    async with vended(measured.provider, order) as connection:
        before = await size_of(measured, order)
        await fill(connection, 4)
        assert await size_of(measured, order) - before > 4_000_000
        await make_room(connection)
        assert await size_of(measured, order) - before < 1_000_000


async def test_what_its_owner_closed_is_measured_all_the_same(measured: Place) -> None:
    """A tenant does not escape by shutting out everybody, itself too."""
    order = new_order()
    async with vended(measured.provider, order) as connection, tenant(connection) as inside:
        await inside.execute(
            filled("REVOKE ALL ON DATABASE {database} FROM {user}, PUBLIC", connection)
        )
        assert await size_of(measured, order) > 4 << 20


async def test_a_confined_tenant_reads_and_writes_nothing(place: Place) -> None:
    order = new_order()
    async with vended(place.provider, order) as connection:
        await fill(connection, 1)
        await place.provider.confine(order.tenant)
        await assert_read_only(connection)
        async with tenant(connection) as opened:
            assert await opened.fetchval("SELECT count(*) FROM room") == 1000


async def test_its_sessions_of_before_end(place: Place) -> None:
    order = new_order()
    async with vended(place.provider, order) as connection, tenant(connection) as before:
        await place.provider.confine(order.tenant)
        await until(partial(_is_over, before))


async def test_it_can_make_room_on_purpose(place: Place) -> None:
    order = new_order()
    async with vended(place.provider, order) as connection:
        await fill(connection, 1)
        await place.provider.confine(order.tenant)
        await make_room(connection)
        await assert_read_only(connection)


async def test_once_released_it_writes(place: Place) -> None:
    order = new_order()
    async with vended(place.provider, order) as connection:
        await place.provider.confine(order.tenant)
        await place.provider.release(order.tenant)
        await assert_writable(connection)


async def test_its_idle_sessions_end_with_its_confinement(place: Place) -> None:
    """A pool's would go on read-only; what is amid something is left to end it."""
    order = new_order()
    async with vended(place.provider, order) as connection:
        await place.provider.confine(order.tenant)
        async with tenant(connection) as idle, tenant(connection) as busy:
            async with busy.transaction():
                await place.provider.release(order.tenant)
                assert await busy.fetchval("SELECT 42") == 42
            await until(partial(_is_over, idle))


async def test_a_setting_of_its_own_stays(place: Place) -> None:
    order = new_order()
    async with vended(place.provider, order) as connection:
        async with tenant(connection) as opened:
            await opened.execute(
                filled("ALTER ROLE {user} IN DATABASE {database} SET work_mem = '7MB'", connection)
            )
        await place.provider.confine(order.tenant)
        await place.provider.release(order.tenant)
        async with tenant(connection) as opened:
            assert await opened.fetchval("SHOW work_mem") == "7MB"


async def test_the_admin_is_no_member_of_it_afterwards(place: Place) -> None:
    order = new_order()
    async with vended(place.provider, order) as connection:
        await place.provider.confine(order.tenant)
        await place.provider.release(order.tenant)
        assert await memberships(place, connection) == []


@pytest.mark.parametrize("statement", LEFT_OPEN)
async def test_what_its_owner_left_open_does_not_keep_it_writable(
    place: Place, statement: str
) -> None:
    order = new_order()
    async with vended(place.provider, order) as connection:
        await fill(connection, 1)
        async with left_open(connection, filled(statement, connection)):
            await place.provider.confine(order.tenant)
        await assert_read_only(connection)


async def test_a_neighbour_cannot_confine_or_release(place: Place) -> None:
    order, other = new_order(), new_order()
    async with (
        vended(place.provider, order) as connection,
        vended(place.provider, other) as neighbour,
        tenant(neighbour) as intruder,
    ):
        await place.provider.confine(order.tenant)
        with refused():
            await intruder.execute(
                filled("ALTER ROLE {user} IN DATABASE {database} RESET ALL", connection)
            )
        await assert_read_only(connection)


async def test_where_the_admin_may_not_measure_that_is_said_with_the_mend(
    server_15: OperatorsServer, server_18: OperatorsServer
) -> None:
    for server in (server_15, server_18):
        async with operated(server) as place:
            with pytest.raises(ProviderRejected, match='GRANT pg_read_all_stats TO "admin";'):
                await place.provider.measures()


async def _is_over(ended: asyncpg.Connection) -> bool:
    return ended.is_closed()

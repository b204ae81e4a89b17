"""Whom a suspended tenant has let in, and who has let it in: none of them keeps the door open."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import asyncpg
import pytest

from adapters.postgres.login_check import PostgresLoginCheck
from domain.connection import Connection
from domain.errors import ProviderBusy, ProviderRejected
from tests.support.databases import vended
from tests.support.holding import held_by
from tests.support.obstacles import filled, storm
from tests.support.orders import new_order
from tests.support.places import Place, operated, tenant
from tests.support.servers import PASSWORD, OperatorsServer
from tests.support.suspended import assert_shut_out, memberships, suspended

REFUSED = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError)


async def test_a_neighbour_who_was_let_in_has_to_leave(place: Place) -> None:
    async with vended(place.provider, new_order()) as neighbour, AsyncExitStack() as sessions:
        async with suspended(place) as connection:
            await _granted(connection, "GRANT CONNECT ON DATABASE {database} TO PUBLIC")
            inside = tenant(neighbour, database=connection.database)
            guest = await sessions.enter_async_context(inside)
        with pytest.raises(REFUSED):
            await guest.execute("SELECT 1")


async def test_a_neighbour_who_was_let_in_does_not_get_in_again(place: Place) -> None:
    order = new_order()
    async with (
        vended(place.provider, new_order()) as neighbour,
        vended(place.provider, order) as connection,
    ):
        await _granted(connection, "GRANT CONNECT ON DATABASE {database} TO PUBLIC")
        await place.provider.suspend(order.tenant)
        with pytest.raises(REFUSED):
            await _enter(neighbour, connection.database)


async def test_neighbours_who_come_back_again_and_again_do_not_stay_in(place: Place) -> None:
    order = new_order()
    async with vended(place.provider, new_order()) as neighbour, suspended(place, order) as mine:
        await _granted(mine, "GRANT CONNECT ON DATABASE {database} TO PUBLIC")
        async with storm(neighbour, 3, database=mine.database):
            await place.provider.suspend(order.tenant)
            await assert_shut_out(place, mine)


async def test_a_neighbours_own_session_goes_on(place: Place) -> None:
    async with vended(place.provider, new_order()) as neighbour, tenant(neighbour) as theirs:
        async with suspended(place) as connection:
            await _granted(connection, "GRANT CONNECT ON DATABASE {database} TO PUBLIC")
        assert await theirs.fetchval("SELECT 42") == 42
        await PostgresLoginCheck().verify(neighbour)
        assert await memberships(place, neighbour) == []


async def test_a_session_at_a_neighbours_opens_nothing(place: Place) -> None:
    """An owner can open its database from wherever it is."""
    async with vended(place.provider, new_order()) as neighbour, AsyncExitStack() as sessions:
        async with suspended(place) as connection:
            await _granted(neighbour, "GRANT CONNECT ON DATABASE {database} TO PUBLIC")
            outside = tenant(connection, database=neighbour.database)
            guest = await sessions.enter_async_context(outside)
        with pytest.raises(REFUSED):
            await guest.execute(
                filled("ALTER DATABASE {database} ALLOW_CONNECTIONS true", connection)
            )


async def test_a_neighbour_who_holds_on_to_the_database_does_not_keep_it_open(
    place: Place,
) -> None:
    async with (
        vended(place.provider, new_order()) as neighbour,
        AsyncExitStack() as sessions,
        suspended(place) as connection,
    ):
        await sessions.enter_async_context(held_by(neighbour, connection))


async def test_a_session_that_nobody_may_end_is_waited_for(server_16: OperatorsServer) -> None:
    """Since PostgreSQL 16 the admin can end its own roles' sessions only: nothing is lost."""
    order = new_order()
    async with (
        operated(server_16) as place,
        _strangers_role(place) as stranger,
        vended(place.provider, order) as connection,
    ):
        await _granted(connection, "GRANT CONNECT ON DATABASE {database} TO PUBLIC")
        async with tenant(connection, user=stranger, password=PASSWORD):
            with pytest.raises(ProviderBusy):
                await place.provider.suspend(order.tenant)
            with pytest.raises(ProviderRejected):
                await PostgresLoginCheck().verify(connection)
            assert await memberships(place, connection) == []
        await place.provider.suspend(order.tenant)
        await assert_shut_out(place, connection)


async def _enter(guest: Connection, database: str) -> None:
    async with tenant(guest, database=database):
        return


async def _granted(connection: Connection, statement: str) -> None:
    async with tenant(connection) as owner:
        await owner.execute(filled(statement, connection))


@asynccontextmanager
async def _strangers_role(place: Place) -> AsyncIterator[str]:
    """A role that a superuser made."""
    await place.sql(f"CREATE ROLE stranger LOGIN PASSWORD '{PASSWORD}'")
    yield "stranger"
    await place.sql("DROP ROLE stranger")

"""Whatever a tenant does to stay in when its time is over."""

from contextlib import AsyncExitStack

import asyncpg
import pytest

from tests.support.databases import vended
from tests.support.holding import left_open
from tests.support.obstacles import filled, storm
from tests.support.orders import new_order, rotated
from tests.support.places import Place, session, tenant
from tests.support.suspended import assert_shut_out, kept_answer, reopening, suspended

BY_THE_OWNER = {
    "a template": "ALTER DATABASE {database} IS_TEMPLATE true",
    "open to all": "GRANT ALL ON DATABASE {database} TO PUBLIC",
    "no privileges": "REVOKE ALL ON DATABASE {database} FROM {user}",
    "settings of the role": "ALTER ROLE {user} SET search_path = public;"
    "ALTER ROLE {user} SET statement_timeout = '1h'",
    "its own password": "ALTER ROLE {user} PASSWORD 'another'",
}

LEFT_OPEN = [
    "ALTER ROLE {user} PASSWORD 'being-changed'",
    "ALTER DATABASE {database} SET work_mem = '8MB'",
    "ALTER DATABASE {database} ALLOW_CONNECTIONS true",
    "GRANT CONNECT ON DATABASE {database} TO PUBLIC",
    "LOCK kept",
]


@pytest.mark.parametrize("statement", BY_THE_OWNER.values(), ids=BY_THE_OWNER.keys())
async def test_what_the_owner_did_does_not_keep_it_in(place: Place, statement: str) -> None:
    async with suspended(place) as connection, tenant(connection) as opened:
        await opened.execute(filled(statement, connection))


async def test_all_of_its_sessions_end(place: Place) -> None:
    async with AsyncExitStack() as sessions, suspended(place) as connection:
        for _ in range(place.provider.server.connection_limit):
            await sessions.enter_async_context(tenant(connection))


async def test_clients_that_return_again_and_again_do_not_stay_in(place: Place) -> None:
    for _ in range(3):
        order = new_order()
        async with suspended(place, order) as connection, storm(connection, 4):
            await place.provider.suspend(order.tenant)
            await assert_shut_out(place, connection)


async def test_clients_that_open_the_database_again_and_again_do_not_keep_it_open(
    place: Place,
) -> None:
    for _ in range(3):
        order = new_order()
        async with suspended(place, order) as connection, reopening(connection, 2):
            await place.provider.suspend(order.tenant)
            await assert_shut_out(place, connection)


@pytest.mark.parametrize("statement", LEFT_OPEN)
async def test_a_transaction_that_is_left_open_does_not_keep_it_in(
    place: Place, statement: str
) -> None:
    async with AsyncExitStack() as sessions, suspended(place) as connection:
        await sessions.enter_async_context(left_open(connection, statement))


async def test_a_database_that_was_closed_already_stays_closed(place: Place) -> None:
    async with suspended(place) as connection:
        await place.sql(f'ALTER DATABASE "{connection.database}" ALLOW_CONNECTIONS false')


async def test_a_role_that_was_shut_out_already_stays_so(place: Place) -> None:
    async with suspended(place) as connection:
        await place.sql(f'ALTER ROLE "{connection.user}" NOLOGIN')


async def test_a_rotation_lets_nobody_in_again(place: Place) -> None:
    order = new_order()
    async with suspended(place, order):
        await place.provider.suspend(order.tenant)
        new = await place.provider.rotate(rotated(order))
        await assert_shut_out(place, new)


async def test_an_operators_session_goes_on(place: Place) -> None:
    order = new_order()
    async with (
        vended(place.provider, order) as connection,
        session(place.superuser, database=connection.database) as superuser,
    ):
        await place.provider.suspend(order.tenant)
        assert await superuser.fetchval("SELECT 42") == 42


async def test_others_databases_and_roles_stay_as_they_were(place: Place) -> None:
    entries = (
        "SELECT (SELECT array_agg(d ORDER BY datname)::text FROM pg_database d "
        "WHERE datname <> $2) || (SELECT array_agg(r ORDER BY rolname)::text FROM pg_roles r "
        "WHERE rolname <> $1)"
    )
    order = new_order()
    async with vended(place.provider, new_order()), vended(place.provider, order) as connection:
        before = await place.sql(entries, connection.user, connection.database)
        await place.provider.suspend(order.tenant)
        assert await place.sql(entries, connection.user, connection.database) == before


async def test_a_prepared_transaction_that_locks_something_of_it_does_not_keep_it_in(
    place_15: Place,
) -> None:
    async with suspended(place_15) as connection, tenant(connection) as opened:
        await _prepare(opened, filled("ALTER ROLE {user} PASSWORD 'changed'", connection))


async def test_a_prepared_transaction_that_locks_its_database_does_not_keep_it_in(
    place_15: Place,
) -> None:
    async with suspended(place_15) as connection, tenant(connection) as opened:
        await _prepare(opened, filled("GRANT ALL ON DATABASE {database} TO PUBLIC", connection))


async def test_a_prepared_transaction_that_is_in_nobodys_way_is_data(place_15: Place) -> None:
    order = new_order()
    async with vended(place_15.provider, order) as connection:
        async with tenant(connection) as opened:
            await _prepare(opened, "CREATE TABLE kept AS SELECT 42 AS answer")
        await place_15.provider.suspend(order.tenant)
        await place_15.provider.provision(order)
        async with tenant(connection) as opened:
            await opened.execute("COMMIT PREPARED 'left'")
        assert await kept_answer(connection) == 42


async def _prepare(opened: asyncpg.Connection, statement: str) -> None:
    await opened.execute("BEGIN")
    await opened.execute(statement)
    await opened.execute("PREPARE TRANSACTION 'left'")

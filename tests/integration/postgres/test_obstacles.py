"""Whatever a tenant puts in the way of its own end, on purpose or not."""

from contextlib import AsyncExitStack

import pytest

from domain.errors import ProviderBusy, ProviderRejected
from tests.support.databases import vended
from tests.support.holding import held_by
from tests.support.obstacles import doomed, filled, storm
from tests.support.orders import new_order
from tests.support.places import Place, session, tenant

BY_THE_OWNER = {
    "a template": "ALTER DATABASE {database} IS_TEMPLATE true",
    "open to all": "GRANT ALL ON DATABASE {database} TO PUBLIC",
    "no places": "ALTER DATABASE {database} CONNECTION LIMIT 0",
    "no privileges": "REVOKE ALL ON DATABASE {database} FROM {user}",
    "settings of the database": "ALTER DATABASE {database} SET role = {user};"
    "ALTER DATABASE {database} SET default_transaction_read_only = on;"
    "ALTER DATABASE {database} SET statement_timeout = 1",
    "settings of the role": "ALTER ROLE {user} SET search_path = public;"
    "ALTER ROLE {user} SET statement_timeout = 1",
    "no library": "ALTER DATABASE {database} SET local_preload_libraries = 'none_such'",
    "a large object": "SELECT lo_create(0)",
    "default privileges": "ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO PUBLIC",
}

BY_THE_OPERATOR = {
    "closed": "ALTER DATABASE {database} ALLOW_CONNECTIONS false",
    "an object in the admin's database": "CREATE SCHEMA {user} AUTHORIZATION {user}",
    "a membership": "GRANT pg_monitor TO {user}",
    "another owner's membership": "GRANT {user} TO pg_monitor",
}


ONLY_A_SUPERUSER_TAKES_BACK = [
    "GRANT CONNECT ON DATABASE template1 TO {user}",
    "GRANT SELECT ON pg_catalog.pg_authid TO {user}",
]


@pytest.mark.parametrize("statement", BY_THE_OWNER.values(), ids=BY_THE_OWNER.keys())
async def test_what_the_owner_did_does_not_keep_it(place: Place, statement: str) -> None:
    async with doomed(place) as connection, tenant(connection) as opened:
        await opened.execute(filled(statement, connection))


@pytest.mark.parametrize("statement", BY_THE_OPERATOR.values(), ids=BY_THE_OPERATOR.keys())
async def test_what_the_operator_did_does_not_keep_it(place: Place, statement: str) -> None:
    async with doomed(place) as connection:
        await place.sql(filled(statement, connection))


async def test_live_sessions_do_not_keep_it(place: Place) -> None:
    async with AsyncExitStack() as sessions, doomed(place) as connection:
        for _ in range(place.provider.server.connection_limit):
            await sessions.enter_async_context(tenant(connection))


async def test_clients_that_return_again_and_again_do_not_keep_it(place: Place) -> None:
    async with AsyncExitStack() as clients, doomed(place) as connection:
        await clients.enter_async_context(storm(connection, 4))


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER ROLE {user} PASSWORD 'being-changed'",
        "ALTER ROLE {user} SET work_mem = '8MB'",
        "ALTER DATABASE {database} SET work_mem = '8MB'",
        "ALTER DATABASE {database} IS_TEMPLATE true",
        "GRANT CONNECT ON DATABASE {database} TO PUBLIC",
        "COMMENT ON DATABASE {database} IS 'being changed'",
        "GRANT USAGE ON SCHEMA public TO {user}",
    ],
)
async def test_a_transaction_that_is_left_open_does_not_keep_it(
    place: Place, statement: str
) -> None:
    async with AsyncExitStack() as sessions, doomed(place) as connection:
        opened = await sessions.enter_async_context(tenant(connection))
        await opened.execute("BEGIN")
        await opened.execute(filled(statement, connection))


async def test_a_neighbour_who_holds_on_to_the_database_does_not_keep_it(place: Place) -> None:
    async with (
        vended(place.provider, new_order()) as neighbour,
        AsyncExitStack() as sessions,
        doomed(place) as connection,
    ):
        await sessions.enter_async_context(held_by(neighbour, connection))


async def test_an_operators_session_in_it_is_waited_for(place: Place) -> None:
    """Only a superuser may end a superuser's session: it is not final, and nothing is lost."""
    order = new_order()
    connection = await place.provider.provision(order)
    async with session(place.superuser, database=connection.database):
        with pytest.raises(ProviderBusy):
            await place.provider.retire(order.tenant)
    await place.provider.retire(order.tenant)
    assert await place.has(order) == (False, False)


@pytest.mark.parametrize("statement", ONLY_A_SUPERUSER_TAKES_BACK)
async def test_what_the_admin_cannot_take_back_is_told_with_its_mend(
    place: Place, statement: str
) -> None:
    order = new_order()
    connection = await place.provider.provision(order)
    await place.sql(filled(statement, connection))
    if place.provider.server.superuser is None:
        with pytest.raises(ProviderRejected, match=f'DROP OWNED BY "{connection.user}"'):
            await place.provider.retire(order.tenant)
        assert await place.has(order) == (True, False)
        await place.sql(f'DROP OWNED BY "{connection.user}"')
    await place.provider.retire(order.tenant)
    assert await place.has(order) == (False, False)

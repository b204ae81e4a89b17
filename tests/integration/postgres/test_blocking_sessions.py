"""Obstacles that a tenant or its operator creates, deliberately or not, do not prevent a deletion
or a suspension."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack

import pytest

from domain.connection import Connection
from domain.errors import ProviderBusy
from tests.support.databases import vended
from tests.support.obstacles import (
    LET_ALL_IN,
    assert_shut_out,
    doomed,
    filled,
    left_open,
    reopening,
    run,
    storm,
    suspended,
)
from tests.support.postgres_under_test import Place, session, tenant
from tests.support.provision_requests import new_order, rotated

OWN_PASSWORD = "ALTER ROLE {user} PASSWORD 'another'"

BY_THE_OWNER = {
    "a template": "ALTER DATABASE {database} IS_TEMPLATE true",
    "open to all": "GRANT ALL ON DATABASE {database} TO PUBLIC",
    "no places": "ALTER DATABASE {database} CONNECTION LIMIT 0",
    "no privileges": "REVOKE ALL ON DATABASE {database} FROM {user}",
    "settings of the database": "ALTER DATABASE {database} SET role = {user};"
    "ALTER DATABASE {database} SET default_transaction_read_only = on;"
    "ALTER DATABASE {database} SET statement_timeout = 1",
    "settings of the role": "ALTER ROLE {user} SET search_path = public;"
    "ALTER ROLE {user} SET statement_timeout = '1h'",
    "no library": "ALTER DATABASE {database} SET local_preload_libraries = 'none_such'",
    "a large object": "SELECT lo_create(0)",
    "default privileges": "ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO PUBLIC",
    "its own password": OWN_PASSWORD,
}
BY_THE_OPERATOR = {
    "a closed database": "ALTER DATABASE {database} ALLOW_CONNECTIONS false",
    "a closed role": "ALTER ROLE {user} NOLOGIN",
    "an object in the admin's database": "CREATE SCHEMA {user} AUTHORIZATION {user}",
    "a membership": "GRANT pg_monitor TO {user}",
    "another owner's membership": "GRANT {user} TO pg_monitor",
}
LEFT_OPEN = {
    "its own password": OWN_PASSWORD,
    "a setting of the role": "ALTER ROLE {user} SET work_mem = '8MB'",
    "a setting of the database": "ALTER DATABASE {database} SET work_mem = '8MB'",
    "a template": "ALTER DATABASE {database} IS_TEMPLATE true",
    "an open database": "ALTER DATABASE {database} ALLOW_CONNECTIONS true",
    "a grant": LET_ALL_IN,
    "a comment": "COMMENT ON DATABASE {database} IS 'being changed'",
    "a grant inside": "GRANT USAGE ON SCHEMA public TO {user}",
    "a table": "CREATE TABLE locked (); LOCK locked",
}

ONLY_DELETED = {"no places", "settings of the database", "no library", "a large object"}
"""Obstacles that do not block a suspension, or with which the tenant locks itself out before it."""
ONLY_DELETED |= {"default privileges", "a comment", "a grant inside"}
ONLY_DELETED |= {name for name in BY_THE_OPERATOR if not name.startswith("a closed")}
"""What is in nobody's way, or shuts the tenant out itself, before its suspension."""

Ending = Callable[[Place], AbstractAsyncContextManager[Connection]]


def _against(obstacles: dict[str, str]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(
        ("ending", "statement"),
        [
            pytest.param(ending, statement, id=f"{ending.__name__}, {name}")
            for name, statement in obstacles.items()
            for ending in ([doomed] if name in ONLY_DELETED else [doomed, suspended])
        ],
    )


@_against(BY_THE_OWNER)
async def test_the_owners_obstacles_do_not_block_it(
    place: Place, ending: Ending, statement: str
) -> None:
    async with ending(place) as connection:
        await run(connection, statement)


@_against(BY_THE_OPERATOR)
async def test_the_operators_obstacles_do_not_block_it(
    place: Place, ending: Ending, statement: str
) -> None:
    async with ending(place) as connection:
        await place.sql(filled(statement, connection))


@_against(LEFT_OPEN)
async def test_an_open_transaction_does_not_block_it(
    place: Place, ending: Ending, statement: str
) -> None:
    async with AsyncExitStack() as sessions, ending(place) as connection:
        await sessions.enter_async_context(left_open(connection, statement))


@pytest.mark.parametrize("ending", [doomed, suspended])
async def test_open_sessions_do_not_block_it(place: Place, ending: Ending) -> None:
    async with AsyncExitStack() as sessions, ending(place) as connection:
        for _ in range(place.provider.server.connection_limit):
            await sessions.enter_async_context(tenant(connection))


async def test_reconnecting_clients_do_not_block_a_deletion(place: Place) -> None:
    async with AsyncExitStack() as clients, doomed(place) as connection:
        await clients.enter_async_context(storm(connection, 4))


@pytest.mark.parametrize(("returning", "clients"), [(storm, 4), (reopening, 2)])
async def test_reconnecting_clients_do_not_block_a_suspension(
    place: Place,
    returning: Callable[[Connection, int], AbstractAsyncContextManager[None]],
    clients: int,
) -> None:
    for _ in range(2):
        order = new_order()
        async with suspended(place, order) as connection, returning(connection, clients):
            await place.provider.suspend(order.tenant)
            await assert_shut_out(place, connection)


async def test_a_rotation_does_not_reopen_a_suspended_database(place: Place) -> None:
    order = new_order()
    async with suspended(place, order):
        await place.provider.suspend(order.tenant)
        new = await place.provider.rotate(rotated(order))
        await assert_shut_out(place, new)


async def test_an_operators_session_continues_and_delays_a_deletion(place: Place) -> None:
    """Only a superuser may end a superuser's session. The deletion succeeds later."""
    order = new_order()
    connection = await place.provider.provision(order)
    async with session(place.superuser, database=connection.database) as superuser:
        await place.provider.suspend(order.tenant)
        with pytest.raises(ProviderBusy):
            await place.provider.delete(order.tenant)
        assert await superuser.fetchval("SELECT 42") == 42
    await place.provider.delete(order.tenant)
    assert await place.has(order) == (False, False)


@pytest.mark.parametrize(
    "statement",
    [
        "GRANT CONNECT ON DATABASE template1 TO {user}",
        "GRANT SELECT ON pg_catalog.pg_authid TO {user}",
    ],
)
async def test_grants_that_the_admin_cannot_revoke_are_reported_with_their_fix(
    place: Place, statement: str
) -> None:
    order = new_order()
    connection = await place.provider.provision(order)
    await place.sql(filled(statement, connection))
    tombstone = await place.provider.delete(order.tenant)
    assert await place.has(order) == (False, False)
    if place.provider.server.superuser is None:
        assert tombstone
        assert f'DROP OWNED BY "{tombstone.role}"' in tombstone.reason
        await place.sql(f'DROP OWNED BY "{tombstone.role}"')
        tombstone = await place.provider.delete(order.tenant)
    assert tombstone is None


async def test_other_databases_and_roles_stay_unchanged(place: Place) -> None:
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

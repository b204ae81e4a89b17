"""Obstacles that a tenant or its operator creates, deliberately or not, do not prevent a deletion
or a suspension."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack

import pytest

from domain.connection import Connection
from domain.errors import ProviderBusy
from tests.support.databases import provisioned_database
from tests.support.obstacles import (
    GRANT_CONNECT_TO_ALL,
    assert_shut_out,
    database_to_delete,
    database_to_suspend,
    fill_names,
    open_transaction,
    reconnecting_clients,
    reopening_clients,
    run,
)
from tests.support.postgres_under_test import PostgresUnderTest, session, tenant_session
from tests.support.provision_requests import new_provision_request, with_next_password

OWN_PASSWORD = "ALTER ROLE {user} PASSWORD 'another'"

BY_THE_OWNER = {
    "a template": "ALTER DATABASE {database} IS_TEMPLATE true",
    "open to all": "GRANT ALL ON DATABASE {database} TO PUBLIC",
    "a connection limit of 0": "ALTER DATABASE {database} CONNECTION LIMIT 0",
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
IN_OPEN_TRANSACTION = {
    "its own password": OWN_PASSWORD,
    "a setting of the role": "ALTER ROLE {user} SET work_mem = '8MB'",
    "a setting of the database": "ALTER DATABASE {database} SET work_mem = '8MB'",
    "a template": "ALTER DATABASE {database} IS_TEMPLATE true",
    "an open database": "ALTER DATABASE {database} ALLOW_CONNECTIONS true",
    "a grant": GRANT_CONNECT_TO_ALL,
    "a comment": "COMMENT ON DATABASE {database} IS 'being changed'",
    "a grant inside": "GRANT USAGE ON SCHEMA public TO {user}",
    "a table": "CREATE TABLE locked (); LOCK locked",
}

ONLY_DELETED = {
    "a connection limit of 0",
    "settings of the database",
    "no library",
    "a large object",
}
ONLY_DELETED |= {"default privileges", "a comment", "a grant inside"}
ONLY_DELETED |= {name for name in BY_THE_OPERATOR if not name.startswith("a closed")}
"""Obstacles that do not block a suspension, or with which the tenant locks itself out before it."""

OpenDatabase = Callable[[PostgresUnderTest], AbstractAsyncContextManager[Connection]]


def _parametrize_obstacles(obstacles: dict[str, str]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(
        ("open_database", "statement"),
        [
            pytest.param(open_database, statement, id=f"{open_database.__name__}, {name}")
            for name, statement in obstacles.items()
            for open_database in (
                [database_to_delete]
                if name in ONLY_DELETED
                else [database_to_delete, database_to_suspend]
            )
        ],
    )


@_parametrize_obstacles(BY_THE_OWNER)
async def test_the_owners_obstacles_do_not_block_a_deletion_or_suspension(
    postgres: PostgresUnderTest, open_database: OpenDatabase, statement: str
) -> None:
    async with open_database(postgres) as connection:
        await run(connection, statement)


@_parametrize_obstacles(BY_THE_OPERATOR)
async def test_the_operators_obstacles_do_not_block_a_deletion_or_suspension(
    postgres: PostgresUnderTest, open_database: OpenDatabase, statement: str
) -> None:
    async with open_database(postgres) as connection:
        await postgres.sql(fill_names(statement, connection))


@_parametrize_obstacles(IN_OPEN_TRANSACTION)
async def test_an_open_transaction_does_not_block_a_deletion_or_suspension(
    postgres: PostgresUnderTest, open_database: OpenDatabase, statement: str
) -> None:
    async with AsyncExitStack() as sessions, open_database(postgres) as connection:
        await sessions.enter_async_context(open_transaction(connection, statement))


@pytest.mark.parametrize("open_database", [database_to_delete, database_to_suspend])
async def test_open_sessions_do_not_block_a_deletion_or_suspension(
    postgres: PostgresUnderTest, open_database: OpenDatabase
) -> None:
    async with AsyncExitStack() as sessions, open_database(postgres) as connection:
        for _ in range(postgres.provider.server.connection_limit):
            await sessions.enter_async_context(tenant_session(connection))


async def test_reconnecting_clients_do_not_block_a_deletion(postgres: PostgresUnderTest) -> None:
    async with AsyncExitStack() as clients, database_to_delete(postgres) as connection:
        await clients.enter_async_context(reconnecting_clients(connection, 4))


@pytest.mark.parametrize(
    ("run_clients", "clients"), [(reconnecting_clients, 4), (reopening_clients, 2)]
)
async def test_reconnecting_clients_do_not_block_a_suspension(
    postgres: PostgresUnderTest,
    run_clients: Callable[[Connection, int], AbstractAsyncContextManager[None]],
    clients: int,
) -> None:
    for _ in range(2):
        provision_request = new_provision_request()
        async with (
            database_to_suspend(postgres, provision_request) as connection,
            run_clients(connection, clients),
        ):
            await postgres.provider.suspend(provision_request.tenant)
            await assert_shut_out(postgres, connection)


async def test_a_rotation_does_not_reopen_a_suspended_database(postgres: PostgresUnderTest) -> None:
    provision_request = new_provision_request()
    async with database_to_suspend(postgres, provision_request):
        await postgres.provider.suspend(provision_request.tenant)
        connection = await postgres.provider.rotate(with_next_password(provision_request))
        await assert_shut_out(postgres, connection)


async def test_an_operators_session_continues_and_delays_a_deletion(
    postgres: PostgresUnderTest,
) -> None:
    """Only a superuser may end a superuser's session. The deletion succeeds later."""
    provision_request = new_provision_request()
    connection = await postgres.provider.provision(provision_request)
    async with session(postgres.superuser, database=connection.database) as superuser:
        await postgres.provider.suspend(provision_request.tenant)
        with pytest.raises(ProviderBusy, match="in use by another user's session"):
            await postgres.provider.delete(provision_request.tenant)
        assert await superuser.fetchval("SELECT 42") == 42
    await postgres.provider.delete(provision_request.tenant)
    assert await postgres.has(provision_request) == (False, False)


@pytest.mark.parametrize(
    "statement",
    [
        "GRANT CONNECT ON DATABASE template1 TO {user}",
        "GRANT SELECT ON pg_catalog.pg_authid TO {user}",
    ],
)
async def test_grants_that_the_admin_cannot_revoke_are_reported_with_their_fix(
    postgres: PostgresUnderTest, statement: str
) -> None:
    provision_request = new_provision_request()
    connection = await postgres.provider.provision(provision_request)
    await postgres.sql(fill_names(statement, connection))
    tombstone = await postgres.provider.delete(provision_request.tenant)
    assert await postgres.has(provision_request) == (False, False)
    if postgres.provider.server.superuser is None:
        assert tombstone
        assert f'DROP OWNED BY "{tombstone.role}"' in tombstone.reason
        await postgres.sql(f'DROP OWNED BY "{tombstone.role}"')
        tombstone = await postgres.provider.delete(provision_request.tenant)
    assert tombstone is None


async def test_other_databases_and_roles_stay_unchanged(postgres: PostgresUnderTest) -> None:
    entries = (
        "SELECT (SELECT array_agg(d ORDER BY datname)::text FROM pg_database d "
        "WHERE datname <> $2) || (SELECT array_agg(r ORDER BY rolname)::text FROM pg_roles r "
        "WHERE rolname <> $1)"
    )
    provision_request = new_provision_request()
    async with (
        provisioned_database(postgres.provider, new_provision_request()),
        provisioned_database(postgres.provider, provision_request) as connection,
    ):
        before = await postgres.sql(entries, connection.user, connection.database)
        await postgres.provider.suspend(provision_request.tenant)
        assert await postgres.sql(entries, connection.user, connection.database) == before

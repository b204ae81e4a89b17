"""Other tenants of the server cannot prevent a deletion, and it does not need their consent."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack

import pytest

from adapters.postgres.login_check import PostgresLoginCheck
from domain.connection import Connection
from domain.errors import ProviderBusy, ProviderRejected
from tests.support.databases import provisioned_database
from tests.support.obstacles import (
    GRANT_CONNECT_TO_ALL,
    REFUSALS,
    assert_shut_out,
    database_to_delete,
    database_to_suspend,
    fetch_memberships,
    fill_names,
    open_transaction,
    reconnecting_clients,
    row_lock_by_neighbour,
    run,
)
from tests.support.polling import wait_until
from tests.support.postgres_under_test import (
    PostgresUnderTest,
    operators_under_test,
    tenant_session,
    with_short_timeouts,
    without_rights,
)
from tests.support.provision_requests import new_provision_request
from tests.support.servers import PASSWORD, OperatorsServer, operators_server

GRANTS = [
    "GRANT CONNECT ON DATABASE {own} TO {user}",
    "GRANT ALL ON DATABASE {own} TO {user} WITH GRANT OPTION",
    "CREATE TABLE shared (id int); GRANT SELECT ON shared TO {user}",
    "CREATE TABLE shared (id int); GRANT SELECT (id) ON shared TO {user}",
    "GRANT ALL ON SCHEMA public TO {user}",
    "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO {user}",
    "CREATE TABLE guarded (id int); CREATE POLICY p ON guarded TO {user}",
]

CLOSING_DATABASE = [
    "ALTER DATABASE {database} CONNECTION LIMIT 0",
    "ALTER DATABASE {database} SET default_transaction_read_only = on",
    "ALTER DATABASE {database} SET role = {user}",
    "ALTER DATABASE {database} SET local_preload_libraries = 'none_such'",
    "REVOKE CONNECT ON DATABASE {database} FROM {user}",
    "ALTER DATABASE {database} SET idle_session_timeout = 1",
]

SETTINGS = "SELECT setconfig FROM pg_db_role_setting WHERE setdatabase <> 0 ORDER BY 1"

OpenDatabase = Callable[[PostgresUnderTest], AbstractAsyncContextManager[Connection]]


@pytest.fixture
async def neighbour(postgres: PostgresUnderTest) -> AsyncIterator[Connection]:
    async with provisioned_database(postgres.provider, new_provision_request()) as connection:
        yield connection


@pytest.mark.parametrize("statement", GRANTS)
async def test_a_neighbours_grants_do_not_block_a_deletion(
    postgres: PostgresUnderTest, neighbour: Connection, statement: str
) -> None:
    async with database_to_delete(postgres) as connection:
        own = statement.replace("{own}", f'"{neighbour.database}"')
        await run(neighbour, own, about=connection)
    await PostgresLoginCheck().verify(neighbour)


@pytest.mark.parametrize("statement", CLOSING_DATABASE)
async def test_a_neighbours_grants_in_a_closed_database_do_not_block_a_deletion(
    postgres: PostgresUnderTest, neighbour: Connection, statement: str
) -> None:
    """Settings of its database that do not block the deletion stay."""
    async with database_to_delete(postgres) as connection:
        shared = "CREATE TABLE shared (id int); GRANT SELECT ON shared TO {user}"
        async with tenant_session(neighbour) as session:
            await session.execute(fill_names(shared, connection))
            await session.execute(fill_names(statement, neighbour))
        before = await postgres.sql(SETTINGS)
    assert await postgres.sql(SETTINGS) == before
    assert bool(before) == (" SET " in statement)


@pytest.mark.parametrize("hold", ["SELECT * FROM guarded", "GRANT ALL ON guarded TO PUBLIC"])
async def test_a_neighbours_lock_after_a_grant_does_not_block_a_deletion(
    postgres: PostgresUnderTest, neighbour: Connection, hold: str
) -> None:
    async with AsyncExitStack() as sessions, database_to_delete(postgres) as connection:
        guarded = "CREATE TABLE guarded (id int); CREATE POLICY p ON guarded TO {user}"
        await run(neighbour, guarded, about=connection)
        await sessions.enter_async_context(open_transaction(neighbour, hold))


async def test_a_neighbours_uncommitted_grant_does_not_block_a_deletion(
    postgres: PostgresUnderTest, neighbour: Connection
) -> None:
    async with (
        with_short_timeouts(postgres) as with_timeouts,
        AsyncExitStack() as sessions,
        database_to_delete(with_timeouts) as connection,
    ):
        grant = open_transaction(
            neighbour, "GRANT ALL ON SCHEMA public TO {user}", about=connection
        )
        await sessions.enter_async_context(grant)


async def test_a_deletion_removes_only_the_tenants_own_objects_in_a_neighbours_database(
    postgres: PostgresUnderTest, neighbour: Connection
) -> None:
    members = "SELECT roleid, member, admin_option FROM pg_auth_members ORDER BY 1, 2, 3"
    before = await postgres.sql(members)
    async with database_to_delete(postgres) as connection:
        let_in = f'GRANT ALL ON DATABASE "{neighbour.database}" TO {{user}}'
        kept = "CREATE TABLE shared AS SELECT 42 AS answer; GRANT SELECT ON shared TO {user}"
        await run(neighbour, let_in, kept, about=connection)
        async with tenant_session(connection, database=neighbour.database) as guest:
            await guest.execute("CREATE SCHEMA of_the_guest CREATE TABLE created (id int)")
    assert await postgres.sql(members) == before
    async with tenant_session(neighbour) as session:
        assert await session.fetchval("SELECT to_regclass('of_the_guest.created')") is None
        assert await session.fetchval("SELECT answer FROM shared") == 42


@pytest.mark.parametrize("open_database", [database_to_delete, database_to_suspend])
async def test_a_neighbours_session_in_the_database_is_ended(
    postgres: PostgresUnderTest, neighbour: Connection, open_database: OpenDatabase
) -> None:
    """Its sessions in its own database continue. Neighbours without access do not block
    anything."""
    async with tenant_session(neighbour) as neighbours_session, AsyncExitStack() as sessions:
        async with open_database(postgres) as connection:
            refused = reconnecting_clients(neighbour, 1, database=connection.database)
            await sessions.enter_async_context(refused)
            await run(connection, GRANT_CONNECT_TO_ALL)
            inside = tenant_session(neighbour, database=connection.database)
            guest = await sessions.enter_async_context(inside)
        with pytest.raises(REFUSALS):
            await guest.execute("SELECT 1")
        assert await neighbours_session.fetchval("SELECT 42") == 42
    await PostgresLoginCheck().verify(neighbour)
    assert await fetch_memberships(postgres, neighbour) == []


async def test_reconnecting_neighbours_do_not_block_a_deletion(
    postgres: PostgresUnderTest, neighbour: Connection
) -> None:
    async with AsyncExitStack() as clients, database_to_delete(postgres) as connection:
        await run(connection, GRANT_CONNECT_TO_ALL)
        await clients.enter_async_context(
            reconnecting_clients(neighbour, 3, database=connection.database)
        )


async def test_reconnecting_neighbours_do_not_block_a_suspension(
    postgres: PostgresUnderTest, neighbour: Connection
) -> None:
    provision_request = new_provision_request()
    async with database_to_suspend(postgres, provision_request) as own:
        await run(own, GRANT_CONNECT_TO_ALL)
        async with reconnecting_clients(neighbour, 3, database=own.database):
            await postgres.provider.suspend(provision_request.tenant)
            await assert_shut_out(postgres, own)
        with pytest.raises(REFUSALS):
            async with tenant_session(neighbour, database=own.database):
                pass


async def test_a_session_in_a_neighbours_database_cannot_reopen_a_suspended_one(
    postgres: PostgresUnderTest, neighbour: Connection
) -> None:
    """An owner can open its database from any database."""
    async with AsyncExitStack() as sessions:
        async with database_to_suspend(postgres) as connection:
            await run(neighbour, GRANT_CONNECT_TO_ALL)
            outside = tenant_session(connection, database=neighbour.database)
            guest = await sessions.enter_async_context(outside)
        with pytest.raises(REFUSALS):
            await guest.execute(
                fill_names("ALTER DATABASE {database} ALLOW_CONNECTIONS true", connection)
            )


@pytest.mark.parametrize("open_database", [database_to_delete, database_to_suspend])
async def test_a_neighbours_lock_on_the_database_does_not_block_it(
    postgres: PostgresUnderTest, neighbour: Connection, open_database: OpenDatabase
) -> None:
    async with AsyncExitStack() as sessions, open_database(postgres) as connection:
        await sessions.enter_async_context(row_lock_by_neighbour(neighbour, connection))


async def test_a_session_that_the_admin_may_not_end_delays_a_deletion(
    server_16: OperatorsServer,
) -> None:
    """Since PostgreSQL 16, an admin without pg_signal_backend can end only sessions of its own
    roles. The deletion succeeds later."""
    provision_request = new_provision_request()
    async with (
        operators_under_test(server_16) as postgres,
        without_rights(server_16, "pg_signal_backend"),
        provisioned_database(postgres.provider, provision_request) as connection,
    ):
        await postgres.sql(f"CREATE ROLE stranger LOGIN PASSWORD '{PASSWORD}'")
        await run(connection, GRANT_CONNECT_TO_ALL)
        async with tenant_session(connection, user="stranger", password=PASSWORD):
            with pytest.raises(ProviderBusy):
                await postgres.provider.suspend(provision_request.tenant)
            with pytest.raises(ProviderRejected):
                await PostgresLoginCheck().verify(connection)
            assert await fetch_memberships(postgres, connection) == []
        await postgres.provider.suspend(provision_request.tenant)
        await assert_shut_out(postgres, connection)
        await postgres.sql("DROP ROLE stranger")


async def test_autovacuum_does_not_block_a_deletion() -> None:
    slow = {"autovacuum_vacuum_cost_delay": "100ms", "autovacuum_vacuum_cost_limit": "1"}
    async with (
        operators_server(18, autovacuum_naptime="1s", **slow) as server,
        operators_under_test(server) as postgres,
        database_to_delete(postgres) as connection,
    ):
        await run(
            connection,
            "CREATE TABLE t WITH (autovacuum_vacuum_threshold = 1) AS "
            "SELECT i, repeat('x', 200) FROM generate_series(1, 40000) AS i",
            "DELETE FROM t WHERE i % 2 = 0",
        )
        worker = "SELECT pid FROM pg_stat_activity WHERE datname = $1 AND backend_type ~ '^autovac'"

        async def is_at_work() -> bool:
            return bool(await postgres.sql(worker, connection.database))

        await wait_until(is_at_work)

"""Other tenants of the server cannot prevent a deletion, and it does not need their consent."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import replace

import pytest

from adapters.driver.connector import create_pool
from adapters.postgres.login_check import PostgresLoginCheck
from adapters.postgres.sessions import SESSION_SETTINGS, startup
from domain.connection import Connection
from domain.errors import ProviderBusy, ProviderRejected
from tests.support.databases import vended
from tests.support.obstacles import (
    LET_ALL_IN,
    REFUSALS,
    assert_shut_out,
    doomed,
    filled,
    held_by,
    left_open,
    memberships,
    run,
    storm,
    suspended,
)
from tests.support.polling import until
from tests.support.postgres_under_test import Place, operated, tenant, without_rights
from tests.support.provision_requests import new_order
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

CLOSING_THE_DOOR = [
    "ALTER DATABASE {database} CONNECTION LIMIT 0",
    "ALTER DATABASE {database} SET default_transaction_read_only = on",
    "ALTER DATABASE {database} SET role = {user}",
    "ALTER DATABASE {database} SET local_preload_libraries = 'none_such'",
    "REVOKE CONNECT ON DATABASE {database} FROM {user}",
    "ALTER DATABASE {database} SET idle_session_timeout = 1",
]

SETTINGS = "SELECT setconfig FROM pg_db_role_setting WHERE setdatabase <> 0 ORDER BY 1"

Ending = Callable[[Place], AbstractAsyncContextManager[Connection]]


@pytest.fixture
async def neighbour(place: Place) -> AsyncIterator[Connection]:
    async with vended(place.provider, new_order()) as connection:
        yield connection


@pytest.mark.parametrize("statement", GRANTS)
async def test_a_neighbours_grants_do_not_block_a_deletion(
    place: Place, neighbour: Connection, statement: str
) -> None:
    async with doomed(place) as connection:
        own = statement.replace("{own}", f'"{neighbour.database}"')
        await run(neighbour, own, about=connection)
    await PostgresLoginCheck().verify(neighbour)


@pytest.mark.parametrize("statement", CLOSING_THE_DOOR)
async def test_a_neighbours_grants_in_a_closed_database_do_not_block_a_deletion(
    place: Place, neighbour: Connection, statement: str
) -> None:
    """Settings of its database that do not block the deletion stay."""
    async with doomed(place) as connection:
        shared = "CREATE TABLE shared (id int); GRANT SELECT ON shared TO {user}"
        async with tenant(neighbour) as session:
            await session.execute(filled(shared, connection))
            await session.execute(filled(statement, neighbour))
        before = await place.sql(SETTINGS)
    assert await place.sql(SETTINGS) == before
    assert bool(before) == (" SET " in statement)


@pytest.mark.parametrize("hold", ["SELECT * FROM guarded", "GRANT ALL ON guarded TO PUBLIC"])
async def test_a_neighbours_lock_after_a_grant_does_not_block_a_deletion(
    place: Place, neighbour: Connection, hold: str
) -> None:
    async with AsyncExitStack() as sessions, doomed(place) as connection:
        guarded = "CREATE TABLE guarded (id int); CREATE POLICY p ON guarded TO {user}"
        await run(neighbour, guarded, about=connection)
        await sessions.enter_async_context(left_open(neighbour, hold))


async def test_a_neighbours_uncommitted_grant_does_not_block_a_deletion(
    place: Place, neighbour: Connection
) -> None:
    async with (
        _impatient(place) as impatient,
        AsyncExitStack() as sessions,
        doomed(impatient) as connection,
    ):
        grant = left_open(neighbour, "GRANT ALL ON SCHEMA public TO {user}", about=connection)
        await sessions.enter_async_context(grant)


async def test_a_deletion_removes_only_the_tenants_own_objects_in_a_neighbours_database(
    place: Place, neighbour: Connection
) -> None:
    members = "SELECT roleid, member, admin_option FROM pg_auth_members ORDER BY 1, 2, 3"
    before = await place.sql(members)
    async with doomed(place) as connection:
        let_in = f'GRANT ALL ON DATABASE "{neighbour.database}" TO {{user}}'
        kept = "CREATE TABLE shared AS SELECT 42 AS answer; GRANT SELECT ON shared TO {user}"
        await run(neighbour, let_in, kept, about=connection)
        async with tenant(connection, database=neighbour.database) as guest:
            await guest.execute("CREATE SCHEMA of_the_guest CREATE TABLE made (id int)")
    assert await place.sql(members) == before
    async with tenant(neighbour) as session:
        assert await session.fetchval("SELECT to_regclass('of_the_guest.made')") is None
        assert await session.fetchval("SELECT answer FROM shared") == 42


@pytest.mark.parametrize("ending", [doomed, suspended])
async def test_a_neighbours_session_in_the_database_is_ended(
    place: Place, neighbour: Connection, ending: Ending
) -> None:
    """Its sessions in its own database continue. Neighbours without access do not block
    anything."""
    async with tenant(neighbour) as theirs, AsyncExitStack() as sessions:
        async with ending(place) as connection:
            refused = storm(neighbour, 1, database=connection.database)
            await sessions.enter_async_context(refused)
            await run(connection, LET_ALL_IN)
            inside = tenant(neighbour, database=connection.database)
            guest = await sessions.enter_async_context(inside)
        with pytest.raises(REFUSALS):
            await guest.execute("SELECT 1")
        assert await theirs.fetchval("SELECT 42") == 42
    await PostgresLoginCheck().verify(neighbour)
    assert await memberships(place, neighbour) == []


async def test_reconnecting_neighbours_do_not_block_a_deletion(
    place: Place, neighbour: Connection
) -> None:
    async with AsyncExitStack() as clients, doomed(place) as connection:
        await run(connection, LET_ALL_IN)
        await clients.enter_async_context(storm(neighbour, 3, database=connection.database))


async def test_reconnecting_neighbours_do_not_block_a_suspension(
    place: Place, neighbour: Connection
) -> None:
    order = new_order()
    async with suspended(place, order) as mine:
        await run(mine, LET_ALL_IN)
        async with storm(neighbour, 3, database=mine.database):
            await place.provider.suspend(order.tenant)
            await assert_shut_out(place, mine)
        with pytest.raises(REFUSALS):
            async with tenant(neighbour, database=mine.database):
                pass


async def test_a_session_in_a_neighbours_database_cannot_reopen_a_suspended_one(
    place: Place, neighbour: Connection
) -> None:
    """An owner can open its database from any database."""
    async with AsyncExitStack() as sessions:
        async with suspended(place) as connection:
            await run(neighbour, LET_ALL_IN)
            outside = tenant(connection, database=neighbour.database)
            guest = await sessions.enter_async_context(outside)
        with pytest.raises(REFUSALS):
            await guest.execute(
                filled("ALTER DATABASE {database} ALLOW_CONNECTIONS true", connection)
            )


@pytest.mark.parametrize("ending", [doomed, suspended])
async def test_a_neighbours_lock_on_the_database_does_not_block_a_deletion(
    place: Place, neighbour: Connection, ending: Ending
) -> None:
    async with AsyncExitStack() as sessions, ending(place) as connection:
        await sessions.enter_async_context(held_by(neighbour, connection))


async def test_a_session_that_the_admin_may_not_end_delays_a_deletion(
    server_16: OperatorsServer,
) -> None:
    """Since PostgreSQL 16, an admin without pg_signal_backend can end only sessions of its own
    roles. The deletion succeeds later."""
    order = new_order()
    async with (
        operated(server_16) as place,
        without_rights(server_16, "pg_signal_backend"),
        vended(place.provider, order) as connection,
    ):
        await place.sql(f"CREATE ROLE stranger LOGIN PASSWORD '{PASSWORD}'")
        await run(connection, LET_ALL_IN)
        async with tenant(connection, user="stranger", password=PASSWORD):
            with pytest.raises(ProviderBusy):
                await place.provider.suspend(order.tenant)
            with pytest.raises(ProviderRejected):
                await PostgresLoginCheck().verify(connection)
            assert await memberships(place, connection) == []
        await place.provider.suspend(order.tenant)
        await assert_shut_out(place, connection)
        await place.sql("DROP ROLE stranger")


async def test_autovacuum_does_not_block_a_deletion() -> None:
    slow = {"autovacuum_vacuum_cost_delay": "100ms", "autovacuum_vacuum_cost_limit": "1"}
    async with (
        operators_server(18, autovacuum_naptime="1s", **slow) as server,
        operated(server) as place,
        doomed(place) as connection,
    ):
        await run(
            connection,
            "CREATE TABLE t WITH (autovacuum_vacuum_threshold = 1) AS "
            "SELECT i, repeat('x', 200) FROM generate_series(1, 40000) AS i",
            "DELETE FROM t WHERE i % 2 = 0",
        )
        worker = "SELECT pid FROM pg_stat_activity WHERE datname = $1 AND backend_type ~ '^autovac'"

        async def is_at_work() -> bool:
            return bool(await place.sql(worker, connection.database))

        await until(is_at_work)


@asynccontextmanager
async def _impatient(place: Place) -> AsyncIterator[Place]:
    """The same provider with a short lock timeout."""
    pool = create_pool(
        place.provider.server.admin,
        min_size=0,
        max_size=2,
        server_settings=startup({**SESSION_SETTINGS, "lock_timeout": "300ms"}),
    )
    async with pool:
        yield replace(place, provider=replace(place.provider, pool=pool))

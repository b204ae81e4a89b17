"""Other tenants of the server cannot keep one from its end, nor need it their consent."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace

import asyncpg
import pytest

from adapters.postgres.login_check import PostgresLoginCheck
from adapters.postgres.sessions import SESSION_SETTINGS, startup
from domain.connection import Connection
from tests.support.databases import vended
from tests.support.obstacles import doomed, filled, storm
from tests.support.orders import new_order
from tests.support.places import Place, operated, tenant
from tests.support.servers import operators_server

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
]


@pytest.mark.parametrize("statement", GRANTS)
async def test_what_a_neighbour_granted_does_not_keep_a_tenant(
    place: Place, statement: str
) -> None:
    async with vended(place.provider, new_order()) as neighbour:
        async with doomed(place) as connection, tenant(neighbour) as session:
            own = f'"{neighbour.database}"'
            await session.execute(filled(statement.replace("{own}", own), connection))
        await PostgresLoginCheck().verify(neighbour)


@pytest.mark.parametrize("statement", CLOSING_THE_DOOR)
async def test_a_neighbour_who_granted_and_closed_the_door_does_not_keep_a_tenant(
    place: Place, statement: str
) -> None:
    async with (
        vended(place.provider, new_order()) as neighbour,
        doomed(place) as connection,
        tenant(neighbour) as session,
    ):
        await session.execute("CREATE TABLE shared (id int)")
        await session.execute(filled("GRANT SELECT ON shared TO {user}", connection))
        await session.execute(filled(statement, neighbour))


@pytest.mark.parametrize("statement", CLOSING_THE_DOOR[1:4])
async def test_settings_that_do_not_stand_in_the_way_stay(place: Place, statement: str) -> None:
    settings = "SELECT setconfig FROM pg_db_role_setting WHERE setdatabase <> 0 ORDER BY 1"
    async with vended(place.provider, new_order()) as neighbour:
        async with doomed(place) as connection, tenant(neighbour) as session:
            await session.execute(filled("GRANT ALL ON SCHEMA public TO {user}", connection))
            await session.execute(filled(statement, neighbour))
            before = await place.sql(settings)
        assert await place.sql(settings) == before != []


@pytest.mark.parametrize("hold", ["SELECT * FROM guarded", "GRANT ALL ON guarded TO PUBLIC"])
async def test_a_neighbour_who_granted_and_holds_on_to_it_does_not_keep_a_tenant(
    place: Place, hold: str
) -> None:
    async with (
        vended(place.provider, new_order()) as neighbour,
        AsyncExitStack() as sessions,
        doomed(place) as connection,
    ):
        session = await sessions.enter_async_context(tenant(neighbour))
        await session.execute("CREATE TABLE guarded (id int)")
        await session.execute(filled("CREATE POLICY p ON guarded TO {user}", connection))
        await session.execute("BEGIN")
        await session.execute(hold)


async def test_what_a_tenant_owns_at_a_neighbours_goes_with_it(place: Place) -> None:
    async with vended(place.provider, new_order()) as neighbour:
        async with doomed(place) as connection:
            async with tenant(neighbour) as session:
                await session.execute(
                    filled(f'GRANT ALL ON DATABASE "{neighbour.database}" TO {{user}}', connection)
                )
            async with tenant(connection, database=neighbour.database) as guest:
                await guest.execute("CREATE SCHEMA of_the_guest CREATE TABLE made (id int)")
        async with tenant(neighbour) as session:
            assert await session.fetchval("SELECT to_regclass('of_the_guest.made')") is None


async def test_a_neighbour_is_left_as_it_was(place: Place) -> None:
    memberships = "SELECT roleid, member, admin_option FROM pg_auth_members ORDER BY 1, 2, 3"
    async with vended(place.provider, new_order()) as neighbour:
        before = await place.sql(memberships)
        async with doomed(place) as connection, tenant(neighbour) as session:
            await session.execute("CREATE TABLE shared AS SELECT 42 AS answer")
            await session.execute(filled("GRANT SELECT ON shared TO {user}", connection))
        assert await place.sql(memberships) == before
        async with tenant(neighbour) as session:
            assert await session.fetchval("SELECT answer FROM shared") == 42


async def test_a_neighbour_who_was_let_in_does_not_keep_the_database(place: Place) -> None:
    async with vended(place.provider, new_order()) as neighbour, AsyncExitStack() as sessions:
        async with doomed(place) as connection:
            await _open_to_all(connection)
            await sessions.enter_async_context(tenant(neighbour, database=connection.database))
        await PostgresLoginCheck().verify(neighbour)


async def test_neighbours_who_come_back_again_and_again_do_not_keep_it(place: Place) -> None:
    async with (
        vended(place.provider, new_order()) as neighbour,
        AsyncExitStack() as clients,
        doomed(place) as connection,
    ):
        await _open_to_all(connection)
        let_in = storm(neighbour, 3, database=connection.database)
        await clients.enter_async_context(let_in)


async def test_neighbours_who_are_refused_again_and_again_do_not_keep_it(place: Place) -> None:
    async with vended(place.provider, new_order()) as neighbour, AsyncExitStack() as clients:
        for _ in range(3):
            async with doomed(place) as connection:
                refused = storm(neighbour, 3, database=connection.database)
                await clients.enter_async_context(refused)


async def test_a_grant_that_a_neighbour_leaves_uncommitted_does_not_keep_a_tenant(
    place: Place,
) -> None:
    async with (
        _impatient(place) as impatient,
        vended(place.provider, new_order()) as neighbour,
        AsyncExitStack() as sessions,
        doomed(impatient) as connection,
    ):
        session = await sessions.enter_async_context(tenant(neighbour))
        await session.execute("BEGIN")
        await session.execute(filled("GRANT ALL ON SCHEMA public TO {user}", connection))


@pytest.mark.parametrize("major", [15, 16, 18])
async def test_autovacuum_at_work_does_not_keep_a_database(major: int) -> None:
    slow = {"autovacuum_vacuum_cost_delay": "100ms", "autovacuum_vacuum_cost_limit": "1"}
    async with (
        operators_server(major, autovacuum_naptime="1s", **slow) as server,
        operated(server) as place,
        doomed(place) as connection,
    ):
        async with tenant(connection) as session:
            await session.execute(
                "CREATE TABLE t WITH (autovacuum_vacuum_threshold = 1) AS "
                "SELECT i, repeat('x', 200) FROM generate_series(1, 40000) AS i"
            )
            await session.execute("DELETE FROM t WHERE i % 2 = 0")
        await _until_autovacuum_works(place, connection.database)


async def _open_to_all(connection: Connection) -> None:
    async with tenant(connection) as owner:
        await owner.execute(filled("GRANT CONNECT ON DATABASE {database} TO PUBLIC", connection))


async def _until_autovacuum_works(place: Place, database: str) -> None:
    query = (
        "SELECT pid FROM pg_stat_activity "
        f"WHERE backend_type = 'autovacuum worker' AND datname = '{database}'"
    )
    for _ in range(1000):
        if await place.sql(query):
            return
    raise AssertionError("autovacuum does not come")


@asynccontextmanager
async def _impatient(place: Place) -> AsyncIterator[Place]:
    """The same provider, but waiting for locks as long as a test should."""
    pool = asyncpg.create_pool(
        **place.provider.server.admin,
        min_size=0,
        max_size=2,
        server_settings=startup({**SESSION_SETTINGS, "lock_timeout": "300ms"}),
    )
    async with pool:
        yield replace(place, provider=replace(place.provider, pool=pool))

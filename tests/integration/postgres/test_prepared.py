"""Prepared transactions: the one thing that takes the admin into a tenant's database."""

import asyncpg
import pytest

from adapters.postgres.sessions import single_session
from domain.connection import Connection
from tests.support.databases import vended
from tests.support.obstacles import doomed, filled
from tests.support.orders import new_order
from tests.support.places import Place, tenant

IN_THE_WAY = {
    "nothing more": "SELECT 1",
    "no privileges": "REVOKE ALL ON DATABASE {database} FROM {user}",
    "no places": "ALTER DATABASE {database} CONNECTION LIMIT 0",
    "no library": "ALTER DATABASE {database} SET local_preload_libraries = 'none_such'",
    "read only": "ALTER DATABASE {database} SET default_transaction_read_only = on",
    "a template": "ALTER DATABASE {database} IS_TEMPLATE true",
    "its own password": "ALTER ROLE {user} PASSWORD 'another'",
}

TRAPS = """
CREATE TABLE caught (who text);
CREATE FUNCTION spring() RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO public.caught VALUES (session_user);
    BEGIN CREATE ROLE hacked SUPERUSER; EXCEPTION WHEN OTHERS THEN NULL; END;
    BEGIN CREATE ROLE hacked; EXCEPTION WHEN OTHERS THEN NULL; END;
    RETURN 'sprung';
END $$;
CREATE FUNCTION version() RETURNS text LANGUAGE sql AS 'SELECT public.spring()';
CREATE FUNCTION current_database() RETURNS text LANGUAGE sql AS 'SELECT public.spring()';
CREATE FUNCTION pg_terminate_backend(int) RETURNS text LANGUAGE sql AS 'SELECT public.spring()';
CREATE FUNCTION pg_advisory_unlock_all() RETURNS text LANGUAGE sql AS 'SELECT public.spring()';
CREATE VIEW pg_prepared_xacts AS SELECT public.spring() AS gid, 'x' AS owner, 'y' AS database;
CREATE VIEW pg_extension AS SELECT public.spring() AS extname;
ALTER DATABASE {database} SET search_path = public, pg_catalog;
ALTER DATABASE {database} SET role = {user}
"""
"""What a tenant can do to have its code run by whoever comes into its database."""


@pytest.mark.parametrize("locking", ["SELECT 1", "ALTER ROLE {user} PASSWORD 'changed'"])
@pytest.mark.parametrize("more", IN_THE_WAY.values(), ids=IN_THE_WAY.keys())
async def test_a_prepared_transaction_does_not_keep_it(
    place_15: Place, more: str, locking: str
) -> None:
    async with doomed(place_15) as connection, tenant(connection) as session:
        await session.execute(filled(more, connection))
        await _prepare(session, filled(locking, connection))


async def test_a_prepared_transaction_that_locks_the_database_does_not_keep_it(
    place_15: Place,
) -> None:
    async with doomed(place_15) as connection, tenant(connection) as session:
        await _prepare(session, filled("COMMENT ON DATABASE {database} IS 'mine'", connection))


async def test_a_neighbours_prepared_transaction_does_not_keep_it(place_15: Place) -> None:
    async with vended(place_15.provider, new_order()) as neighbour:
        async with doomed(place_15) as connection:
            async with tenant(connection) as session:
                let_in = f"GRANT CONNECT ON DATABASE {{database}} TO {neighbour.user}"
                await session.execute(filled(let_in, connection))
            async with tenant(neighbour, database=connection.database) as guest:
                await _prepare(guest, "SELECT 1")
            async with tenant(connection) as session:
                await _prepare(session, "SELECT 1")
        assert await _admins_memberships(place_15, neighbour.user) == []


async def test_an_odd_name_of_a_prepared_transaction_is_only_a_name(place_15: Place) -> None:
    async with doomed(place_15) as connection, tenant(connection) as session:
        await _prepare(session, "SELECT 1", "it''s; DROP ROLE admin \\")


async def test_nothing_of_the_tenants_runs_when_its_transactions_are_ended(
    place_15: Place,
) -> None:
    async with doomed(place_15) as connection, tenant(connection) as session:
        await session.execute(filled(TRAPS, connection))
        await _prepare(session, "INSERT INTO caught VALUES ('prepared')")
    assert await place_15.sql("SELECT rolname FROM pg_roles WHERE rolname = 'hacked'") == []


async def test_an_extension_is_installed_without_running_anything_of_the_tenants(
    bundled_place: Place,
) -> None:
    order = new_order()
    async with vended(bundled_place.provider, order) as connection:
        async with tenant(connection) as session:
            await session.execute(filled(TRAPS.rsplit(";", 1)[0], connection))
        with_vector = type(order)(
            tenant=order.tenant, password=order.password, extensions=("vector", "plpgsql")
        )
        await bundled_place.provider.provision(with_vector)
        assert await _caught(connection) == []
        assert await bundled_place.sql("SELECT 1 FROM pg_roles WHERE rolname = 'hacked'") == []


async def test_whoever_of_ours_goes_into_a_tenants_database_sees_only_postgresqls_functions(
    bundled_place: Place,
) -> None:
    async with vended(bundled_place.provider, new_order()) as connection:
        async with tenant(connection) as session:
            await session.execute(filled(TRAPS, connection))
        login = {**bundled_place.superuser, "database": connection.database}
        async with single_session(login) as ours:
            assert await ours.fetchval("SELECT version()") != "sprung"
        assert await _caught(connection) == []


async def test_the_traps_of_these_tests_catch_who_is_not_careful(bundled_place: Place) -> None:
    async with vended(bundled_place.provider, new_order()) as connection:
        async with tenant(connection) as session:
            await session.execute(filled(TRAPS, connection))
        async with tenant(connection) as careless:
            assert await careless.fetchval("SELECT version()") == "sprung"
        assert await _caught(connection) == [connection.user]


async def _admins_memberships(place: Place, role: str) -> list[str]:
    query = """
        SELECT 'member' FROM pg_auth_members
        WHERE roleid = $1::regrole AND member = $2::regrole
    """
    return await place.sql(query, role, place.admin)


async def _prepare(session: asyncpg.Connection, statement: str, name: str = "left") -> None:
    await session.execute("BEGIN")
    await session.execute(statement)
    await session.execute(f"PREPARE TRANSACTION '{name} {id(session)}'")


async def _caught(connection: Connection) -> list[str]:
    async with tenant(connection) as session:
        return [row["who"] for row in await session.fetch("SELECT who FROM public.caught")]

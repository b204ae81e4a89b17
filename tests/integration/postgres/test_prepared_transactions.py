"""Prepared transactions, to which the admin connects in a tenant's database, block nothing."""

import asyncpg
import pytest

from tests.support.databases import provisioned_database
from tests.support.obstacles import (
    database_to_delete,
    database_to_suspend,
    fetch_memberships,
    fill_names,
    run,
)
from tests.support.postgres_under_test import PostgresUnderTest, tenant_session
from tests.support.provision_requests import new_provision_request

OBSTACLES = {
    "nothing else": "SELECT 1",
    "no privileges": "REVOKE ALL ON DATABASE {database} FROM {user}",
    "a connection limit of 0": "ALTER DATABASE {database} CONNECTION LIMIT 0",
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
"""Objects by which a tenant can try to run its code in others' sessions in its database."""


@pytest.mark.parametrize("locking", ["SELECT 1", "ALTER ROLE {user} PASSWORD 'changed'"])
@pytest.mark.parametrize("obstacle", OBSTACLES.values(), ids=OBSTACLES.keys())
async def test_a_prepared_transaction_does_not_block_a_deletion(
    postgres_15: PostgresUnderTest, obstacle: str, locking: str
) -> None:
    async with database_to_delete(postgres_15) as connection, tenant_session(connection) as session:
        await session.execute(fill_names(obstacle, connection))
        await _prepare(session, fill_names(locking, connection))


@pytest.mark.parametrize(
    ("statement", "name"),
    [
        ("COMMENT ON DATABASE {database} IS 'mine'", "left"),
        ("SELECT 1", "it''s; DROP ROLE admin \\"),
    ],
)
async def test_a_prepared_transaction_with_a_lock_or_an_odd_name_does_not_block_a_deletion(
    postgres_15: PostgresUnderTest, statement: str, name: str
) -> None:
    async with database_to_delete(postgres_15) as connection, tenant_session(connection) as session:
        await _prepare(session, fill_names(statement, connection), name)


@pytest.mark.parametrize(
    "statement",
    ["ALTER ROLE {user} PASSWORD 'changed'", "GRANT ALL ON DATABASE {database} TO PUBLIC"],
)
async def test_a_prepared_transaction_with_a_lock_does_not_block_a_suspension(
    postgres_15: PostgresUnderTest, statement: str
) -> None:
    async with (
        database_to_suspend(postgres_15) as connection,
        tenant_session(connection) as session,
    ):
        await _prepare(session, fill_names(statement, connection))


async def test_a_prepared_transaction_that_blocks_nothing_is_kept(
    postgres_15: PostgresUnderTest,
) -> None:
    provision_request = new_provision_request()
    async with provisioned_database(postgres_15.provider, provision_request) as connection:
        async with tenant_session(connection) as session:
            name = await _prepare(session, "CREATE TABLE kept AS SELECT 42 AS answer")
        await postgres_15.provider.suspend(provision_request.tenant)
        await postgres_15.provider.provision(provision_request)
        async with tenant_session(connection) as session:
            await session.execute(f"COMMIT PREPARED '{name}'")
            assert await session.fetchval("SELECT answer FROM kept") == 42


async def test_a_neighbours_prepared_transaction_does_not_block_a_deletion(
    postgres_15: PostgresUnderTest,
) -> None:
    async with provisioned_database(postgres_15.provider, new_provision_request()) as neighbour:
        async with database_to_delete(postgres_15) as connection:
            await run(connection, f"GRANT CONNECT ON DATABASE {{database}} TO {neighbour.user}")
            async with tenant_session(neighbour, database=connection.database) as guest:
                await _prepare(guest, "SELECT 1")
            async with tenant_session(connection) as session:
                await _prepare(session, "SELECT 1")
        assert await fetch_memberships(postgres_15, neighbour) == []


async def test_ending_transactions_runs_no_code_of_the_tenant(
    postgres_15: PostgresUnderTest,
) -> None:
    async with database_to_delete(postgres_15) as connection, tenant_session(connection) as session:
        await session.execute(fill_names(TRAPS, connection))
        await _prepare(session, "INSERT INTO caught VALUES ('prepared')")
    assert await postgres_15.sql("SELECT rolname FROM pg_roles WHERE rolname = 'hacked'") == []


async def _prepare(session: asyncpg.Connection, statement: str, name: str = "left") -> str:
    name = f"{name} {id(session)}"
    for each in ("BEGIN", statement, f"PREPARE TRANSACTION '{name}'"):
        await session.execute(each)
    return name


NEIGHBOURS_STATEMENTS = {
    "the lock of its object": 'ALTER ROLE "{neighbour}" IN DATABASE {{database}} SET work_mem = 64',
    "the lock of its row": "GRANT CONNECT ON DATABASE {{database}} TO PUBLIC",
}


@pytest.mark.parametrize("statement", NEIGHBOURS_STATEMENTS.values(), ids=NEIGHBOURS_STATEMENTS)
async def test_a_neighbours_transaction_prepared_about_a_database_does_not_block_its_deletion(
    postgres_15: PostgresUnderTest, statement: str
) -> None:
    async with provisioned_database(postgres_15.provider, new_provision_request()) as neighbour:
        async with (
            database_to_delete(postgres_15) as connection,
            tenant_session(neighbour) as session,
        ):
            to_neighbour = f'CONNECT ON DATABASE {{database}} TO "{neighbour.user}"'
            await run(connection, f"GRANT {to_neighbour} WITH GRANT OPTION")
            text = statement.format(neighbour=neighbour.user)
            await _prepare(session, fill_names(text, connection))
        assert await fetch_memberships(postgres_15, neighbour) == []


async def test_a_tenants_transaction_prepared_in_a_neighbours_database_does_not_block_its_deletion(
    postgres_15: PostgresUnderTest,
) -> None:
    async with provisioned_database(postgres_15.provider, new_provision_request()) as neighbour:
        async with database_to_delete(postgres_15) as connection:
            let_in = f'GRANT CONNECT ON DATABASE "{neighbour.database}" TO {{user}}'
            await run(neighbour, let_in, about=connection)
            async with tenant_session(connection, database=neighbour.database) as guest:
                await _prepare(guest, fill_names("ALTER ROLE {user} PASSWORD 'other'", connection))
        assert await fetch_memberships(postgres_15, neighbour) == []

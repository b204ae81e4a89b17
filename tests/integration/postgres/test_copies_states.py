"""Obstacles to a copy in its source, and copies that a crash left incomplete."""

from dataclasses import replace

import asyncpg
import pytest

from domain.connection import Connection
from domain.errors import DatabaseNotFound, SourceInUse
from tests.support.copies import copy_of
from tests.support.databases import find_in_inventory, provisioned_database
from tests.support.obstacles import run
from tests.support.postgres_under_test import (
    PostgresUnderTest,
    expect_refusal,
    session,
    tenant_session,
)
from tests.support.provision_requests import new_provision_request


async def test_a_prepared_transaction_prevents_the_copy_and_stays(
    postgres_15: PostgresUnderTest,
) -> None:
    source = new_provision_request()
    async with provisioned_database(postgres_15.provider, source) as connection:
        await run(connection, "BEGIN", "CREATE TABLE kept ()", "PREPARE TRANSACTION 'kept'")
        copy = replace(copy_of(source), ends_sessions=True)
        async with tenant_session(connection) as client:
            with pytest.raises(SourceInUse, match="Prepared"):
                await postgres_15.provider.provision(copy)
            await client.execute("COMMIT PREPARED 'kept'")
        async with provisioned_database(postgres_15.provider, copy) as of_copy:
            await run(of_copy, "SELECT * FROM kept")


async def test_a_session_that_the_admin_may_not_end_prevents_the_copy(
    postgres_18: PostgresUnderTest,
) -> None:
    source = new_provision_request()
    async with provisioned_database(postgres_18.provider, source) as connection:
        copy = replace(copy_of(source), ends_sessions=True)
        async with session(postgres_18.superuser, database=connection.database) as superuser:
            with pytest.raises(SourceInUse):
                await postgres_18.provider.provision(copy)
            assert await superuser.fetchval("SELECT 1") == 1
        await postgres_18.provider.delete(copy.tenant)


async def test_an_incomplete_copy_accepts_no_login_and_is_completed(
    postgres: PostgresUnderTest,
) -> None:
    source = new_provision_request()
    async with provisioned_database(postgres.provider, source) as of_source:
        await run(of_source, "CREATE TABLE kept AS SELECT 42 AS answer")
        copy = copy_of(source)
        async with provisioned_database(postgres.provider, copy) as of_copy:
            await _make_incomplete(postgres, of_copy)
            with expect_refusal(asyncpg.TooManyConnectionsError):
                await run(of_copy, "SELECT 1")
            with pytest.raises(DatabaseNotFound):
                await postgres.provider.provision(replace(copy, source=None))
            await run(await postgres.provider.provision(copy), "SELECT answer FROM kept")

            await _make_incomplete(postgres, of_copy)
            await postgres.provider.delete(source.tenant)
            with pytest.raises(DatabaseNotFound):
                await postgres.provider.provision(copy)
        assert await find_in_inventory(postgres.provider, copy) == []


async def test_a_complete_copy_that_an_operator_locked_needs_no_source(
    postgres_18: PostgresUnderTest,
) -> None:
    source = new_provision_request()
    async with provisioned_database(postgres_18.provider, source):
        copy = copy_of(source)
        async with provisioned_database(postgres_18.provider, copy) as of_copy:
            await run(of_copy, "CREATE TABLE kept ()")
            await postgres_18.sql(f'ALTER ROLE "{of_copy.user}" CONNECTION LIMIT 0')
            await postgres_18.provider.delete(source.tenant)
            await run(await postgres_18.provider.provision(copy), "SELECT * FROM kept")


async def _make_incomplete(postgres: PostgresUnderTest, copy: Connection) -> None:
    """Put the copy in the state that a crash before its last statement leaves."""
    await postgres.sql(f'ALTER ROLE "{copy.user}" CONNECTION LIMIT 0')
    await postgres.sql(f'COMMENT ON DATABASE "{copy.database}" IS NULL')

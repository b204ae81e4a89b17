"""Read-only mode and password rotation of a tenant, and obstacles to both."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from adapters.postgres.errors import FAILURES
from adapters.postgres.login_check import PostgresLoginCheck
from domain.connection import Connection
from domain.errors import ProviderRejected
from domain.provisioning import ProvisionRequest
from tests.support.databases import provisioned_database
from tests.support.obstacles import fetch_memberships, open_transaction, run
from tests.support.polling import wait_until
from tests.support.postgres_under_test import (
    PostgresUnderTest,
    operators_under_test,
    tenant_session,
    without_rights,
)
from tests.support.provision_requests import new_provision_request, with_next_password
from tests.support.servers import OperatorsServer
from tests.support.sizes import (
    MONITORING_ROLE,
    assert_read_only,
    assert_writable,
    fill,
    free_space,
)

OWN_PASSWORD = "ALTER ROLE {user} PASSWORD 'kept'"

IN_OPEN_TRANSACTION = [
    "ALTER ROLE {user} IN DATABASE {database} SET default_transaction_read_only = off",
    "ALTER ROLE {user} IN DATABASE {database} SET work_mem = '8MB'",
    "ALTER ROLE {user} PASSWORD 'being-changed'",
    "ALTER DATABASE {database} SET work_mem = '8MB'",
    "LOCK room",
]


@pytest.fixture
def provision_request() -> ProvisionRequest:
    return new_provision_request()


@pytest.fixture
async def connection(
    postgres: PostgresUnderTest, provision_request: ProvisionRequest
) -> AsyncIterator[Connection]:
    async with provisioned_database(postgres.provider, provision_request) as connection:
        yield connection


async def test_databases_are_measured(
    postgres: PostgresUnderTest, provision_request: ProvisionRequest, connection: Connection
) -> None:
    """A database that its owner closed, even to itself, is measured too."""

    async def size() -> int:
        return (await postgres.provider.measure_sizes())[provision_request.tenant.id].size

    before = await size()
    await fill(connection, 4)
    assert await size() - before > 4_000_000
    await free_space(connection)
    assert await size() - before < 1_000_000
    await run(connection, "REVOKE ALL ON DATABASE {database} FROM {user}, PUBLIC")
    assert await size() > 4 << 20


async def test_a_read_only_tenant_cannot_write_but_may_free_space(
    postgres: PostgresUnderTest, provision_request: ProvisionRequest, connection: Connection
) -> None:
    await fill(connection, 1)
    async with tenant_session(connection) as before:
        await postgres.provider.set_read_only(provision_request.tenant)
        await wait_until(lambda: _is_closed(before))
    await assert_read_only(connection)
    async with tenant_session(connection) as session:
        assert await session.fetchval("SELECT count(*) FROM room") == 1000
    await free_space(connection)
    await assert_read_only(connection)


async def test_clearing_read_only_allows_writes_and_ends_idle_sessions(
    postgres: PostgresUnderTest, provision_request: ProvisionRequest, connection: Connection
) -> None:
    """Idle sessions, such as a pool's, would stay read-only. Active sessions continue."""
    await run(connection, "ALTER ROLE {user} IN DATABASE {database} SET work_mem = '7MB'")
    await postgres.provider.set_read_only(provision_request.tenant)
    async with tenant_session(connection) as idle, tenant_session(connection) as busy:
        async with busy.transaction():
            await postgres.provider.clear_read_only(provision_request.tenant)
            assert await busy.fetchval("SELECT 42") == 42
        await wait_until(lambda: _is_closed(idle))
    await assert_writable(connection)
    async with tenant_session(connection) as session:
        assert await session.fetchval("SHOW work_mem") == "7MB", "a setting of its own"
    assert await fetch_memberships(postgres, connection) == []


@pytest.mark.parametrize("statement", IN_OPEN_TRANSACTION)
async def test_an_open_transaction_does_not_keep_a_database_writable(
    postgres: PostgresUnderTest,
    provision_request: ProvisionRequest,
    connection: Connection,
    statement: str,
) -> None:
    await fill(connection, 1)
    async with open_transaction(connection, statement):
        await postgres.provider.set_read_only(provision_request.tenant)
    await assert_read_only(connection)


async def test_an_open_transaction_does_not_block_a_rotation(
    postgres: PostgresUnderTest, provision_request: ProvisionRequest, connection: Connection
) -> None:
    async with open_transaction(connection, OWN_PASSWORD) as holder:
        await PostgresLoginCheck().verify(
            await postgres.provider.rotate(with_next_password(provision_request))
        )
        with pytest.raises(ProviderRejected):
            await PostgresLoginCheck().verify(connection)
        with pytest.raises(FAILURES):
            await holder.execute("COMMIT")
    assert await fetch_memberships(postgres, connection) == []


async def test_a_prepared_transaction_does_not_block_a_rotation(
    postgres_15: PostgresUnderTest,
) -> None:
    provision_request = new_provision_request()
    async with provisioned_database(postgres_15.provider, provision_request) as old:
        async with open_transaction(old, OWN_PASSWORD) as session:
            await session.execute("PREPARE TRANSACTION 'kept'")
        await PostgresLoginCheck().verify(
            await postgres_15.provider.rotate(with_next_password(provision_request))
        )
        assert await fetch_memberships(postgres_15, old) == []


async def test_a_rotation_keeps_sessions_that_do_not_block_it(
    postgres: PostgresUnderTest, provision_request: ProvisionRequest, connection: Connection
) -> None:
    async with open_transaction(connection, "ALTER ROLE {user} SET work_mem = '8MB'") as session:
        await postgres.provider.rotate(with_next_password(provision_request))
        assert await session.fetchval("SELECT 42") == 42
    assert await fetch_memberships(postgres, connection) == []


async def test_a_missing_privilege_to_measure_is_reported_with_its_fix(
    server_15: OperatorsServer, server_18: OperatorsServer
) -> None:
    for server in (server_15, server_18):
        async with (
            operators_under_test(server) as postgres,
            without_rights(server, MONITORING_ROLE),
        ):
            with pytest.raises(ProviderRejected, match='GRANT pg_read_all_stats TO "admin";'):
                await postgres.provider.measure_sizes()


async def _is_closed(session: asyncpg.Connection) -> bool:
    return bool(session.is_closed())

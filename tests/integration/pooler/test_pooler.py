"""PgBouncer in front of tenants, as `deploy/pgbouncer` configures it, serves every tenant of pgvend
and nobody else."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace

import pytest

from adapters.postgres.factory import open_provider
from adapters.postgres.login_check import PostgresLoginCheck
from adapters.postgres.server import server_from_dsn
from domain.connection import Connection
from domain.errors import ProviderBusy
from domain.secrets import Secret
from ports.driven.login_check import PasswordRefused
from tests.support.databases import provisioned_database, request_for_same_names
from tests.support.obstacles import REFUSALS
from tests.support.pgbouncer import find_new_pgbouncer
from tests.support.pooler import FEW_SESSIONS, OPERATOR, PASSWORD, Pooler, running_pooler
from tests.support.postgres_under_test import PostgresUnderTest
from tests.support.provision_requests import (
    INSTALLATION,
    opaque_request,
    with_extensions,
    with_next_password,
)
from tests.support.servers import PASSWORD as SERVERS_PASSWORD
from tests.support.servers import OperatorsServer

WHO = "SELECT current_user || ' in ' || current_database()"


@pytest.fixture(scope="module")
async def pooler(server_15: OperatorsServer) -> AsyncIterator[Pooler]:
    command = await asyncio.to_thread(find_new_pgbouncer)
    async with running_pooler(server_15, command, FEW_SESSIONS) as running:
        yield running


async def test_a_new_database_works_through_the_pooler_at_once(
    pooler: Pooler, postgres_15: PostgresUnderTest
) -> None:
    async with (
        provisioned_database(postgres_15.provider, opaque_request()) as connection,
        pooler.session(connection) as client,
    ):
        assert await client.fetchval(WHO) == f"{connection.user} in {connection.database}"


async def test_a_spare_admits_the_login_check_until_it_is_closed(
    pooler: Pooler, postgres_15: PostgresUnderTest
) -> None:
    request = opaque_request()
    spare = replace(request, tenant=replace(request.tenant, is_spare=True))
    async with provisioned_database(postgres_15.provider, spare) as connection:
        await _use(pooler, connection)
        await postgres_15.provider.suspend(spare.tenant)
        await _expect_no_login(pooler, connection)

        claimed = replace(request, claims=True)
        await postgres_15.provider.provision(claimed)
        await _use(pooler, connection)
        await postgres_15.provider.delete(request.tenant)


async def test_a_rotated_password_is_valid_at_once_and_the_former_is_not(
    pooler: Pooler, postgres_15: PostgresUnderTest
) -> None:
    request = opaque_request()
    async with provisioned_database(postgres_15.provider, request) as former:
        await _use(pooler, former)
        rotated = await postgres_15.provider.rotate(with_next_password(request))

        await _use(pooler, rotated)
        await _expect_no_login(pooler, former)


async def test_the_login_check_reports_a_changed_password_and_an_unreachable_pooler(
    pooler: Pooler, postgres_15: PostgresUnderTest
) -> None:
    check = PostgresLoginCheck()
    async with provisioned_database(postgres_15.provider, opaque_request()) as connection:
        pooled = replace(connection, host="127.0.0.1", port=pooler.port, sslmode="disable")
        await check.verify(pooled)
        with pytest.raises(PasswordRefused):
            await check.verify(replace(pooled, password=Secret("another one")))
        with pytest.raises(ProviderBusy):
            await check.verify(replace(pooled, port=1))


async def test_extensions_are_installed_past_the_pooler(
    pooler: Pooler, server_15: OperatorsServer, postgres_15: PostgresUnderTest
) -> None:
    """PgBouncer refuses the settings of pgvend's own sessions."""
    description = server_from_dsn(
        server_15.dsn(), public_host="127.0.0.1", public_port=pooler.port, connection_limit=3
    )
    request = with_extensions(opaque_request(), "citext")
    async with (
        open_provider(description, INSTALLATION) as provider,
        provisioned_database(provider, request) as connection,
        pooler.session(connection) as client,
    ):
        assert connection.port == pooler.port
        assert await client.fetchval("SELECT 'A'::citext = 'a'")


async def test_a_suspended_and_a_deleted_database_admit_nobody(
    pooler: Pooler, postgres_15: PostgresUnderTest
) -> None:
    request = opaque_request()
    async with provisioned_database(postgres_15.provider, request) as connection:
        await _use(pooler, connection)
        await postgres_15.provider.suspend(request.tenant)
        await _expect_no_login(pooler, connection)

        await postgres_15.provider.provision(request)
        await _use(pooler, connection)
    await _expect_no_login(pooler, connection)


async def test_a_client_of_a_deleted_database_does_not_reach_a_later_one_of_the_same_name(
    pooler: Pooler, postgres_15: PostgresUnderTest
) -> None:
    """With names from nicknames it would: PgBouncer's pools are by name. So it admits opaque names
    alone."""
    request = opaque_request()
    former = await postgres_15.provider.provision(request)
    async with pooler.session(former) as client:
        await client.execute("SELECT 1")
        await postgres_15.provider.delete(request.tenant)

        later = request_for_same_names(request)
        async with provisioned_database(postgres_15.provider, later) as connection:
            await _expect_no_login(pooler, connection)
            with pytest.raises(REFUSALS):
                await client.execute("SELECT 1")


async def test_the_console_ends_clients_that_logged_in_before_a_rotation(
    pooler: Pooler, postgres_15: PostgresUnderTest
) -> None:
    request = opaque_request()
    async with (
        provisioned_database(postgres_15.provider, request) as former,
        pooler.session(former) as client,
    ):
        await client.execute("SELECT 1")
        rotated = await postgres_15.provider.rotate(with_next_password(request), end_sessions=True)
        await pooler.disconnect_clients(former.database)

        await _use(pooler, rotated)
        with pytest.raises(REFUSALS):
            await client.execute("SELECT 1")


async def test_a_tenant_reaches_neither_the_console_nor_other_databases(
    pooler: Pooler, postgres_15: PostgresUnderTest
) -> None:
    async with (
        provisioned_database(postgres_15.provider, opaque_request()) as own,
        provisioned_database(postgres_15.provider, opaque_request()) as neighbour,
    ):
        for database in ("pgbouncer", "postgres", "template1", neighbour.database):
            await _expect_no_login(pooler, replace(own, database=database))


async def test_roles_other_than_tenants_cannot_log_in(
    pooler: Pooler, postgres_15: PostgresUnderTest
) -> None:
    for user in ("postgres", postgres_15.admin):
        with pytest.raises(REFUSALS):
            await pooler.log_in(user, SERVERS_PASSWORD)
    with pytest.raises(REFUSALS):
        await pooler.log_in(OPERATOR, PASSWORD)


async def test_more_clients_than_sessions_of_a_tenant_are_served(
    pooler: Pooler, postgres_15: PostgresUnderTest
) -> None:
    clients = 2 * postgres_15.provider.server.connection_limit
    async with (
        provisioned_database(postgres_15.provider, opaque_request()) as connection,
        AsyncExitStack() as stack,
    ):
        for _ in range(clients):
            client = await stack.enter_async_context(pooler.session(connection))
            assert await client.fetchval("SELECT 1") == 1


async def _use(pooler: Pooler, connection: Connection) -> None:
    async with pooler.session(connection) as client:
        assert await client.fetchval("SELECT 1") == 1


async def _expect_no_login(pooler: Pooler, connection: Connection) -> None:
    with pytest.raises(REFUSALS):
        await _use(pooler, connection)

"""The contract of a provider: deletion and suspension."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from adapters.postgres.errors import FAILURES
from adapters.postgres.sessions import open_tenant_session
from domain.connection import Connection
from domain.errors import PgvendError, ProviderRejected
from tests.contract.conftest import only
from tests.contract.provider_kinds import ProviderSetup
from tests.support.databases import (
    expected_item,
    find_in_inventory,
    provisioned_database,
    request_for_same_names,
)
from tests.support.provision_requests import new_provision_request, with_next_password


async def test_a_deleted_database_refuses_logins(setup: ProviderSetup) -> None:
    provision_request = new_provision_request()
    connection = await setup.provider.provision(provision_request)
    for _ in range(2):
        await setup.provider.delete(provision_request.tenant)
        assert await find_in_inventory(setup.provider, provision_request) == []
    with pytest.raises(PgvendError):  # the server may be gone as well
        await setup.login_check.verify(connection)


async def test_five_concurrent_deletions_converge(setup: ProviderSetup) -> None:
    provision_request = new_provision_request()
    async with provisioned_database(setup.provider, provision_request):
        await asyncio.gather(*[setup.provider.delete(provision_request.tenant) for _ in range(5)])
        assert await find_in_inventory(setup.provider, provision_request) == []


async def test_a_deleted_name_can_be_provisioned_by_another_tenant(setup: ProviderSetup) -> None:
    first = new_provision_request()
    for provision_request in (first, first, request_for_same_names(first)):
        async with provisioned_database(setup.provider, provision_request) as connection:
            names = provision_request.tenant.names
            assert (connection.database, connection.user) == (names.database, names.owner)
            await setup.login_check.verify(connection)
            assert await find_in_inventory(setup.provider, provision_request) == [
                expected_item(provision_request)
            ]


async def test_a_tenant_that_never_existed_counts_as_deleted_and_suspended(
    setup: ProviderSetup,
) -> None:
    before = await setup.provider.inventory()
    await setup.provider.suspend(new_provision_request().tenant)
    await setup.provider.delete(new_provision_request().tenant)
    assert await setup.provider.inventory() == before


async def test_deletion_and_suspension_touch_no_other_tenant(setup: ProviderSetup) -> None:
    provision_request, other = new_provision_request(), new_provision_request()
    for call in (setup.provider.suspend, setup.provider.delete):
        async with (
            provisioned_database(setup.provider, provision_request),
            provisioned_database(setup.provider, other) as connection,
        ):
            inventory = await setup.provider.inventory()
            await call(request_for_same_names(other).tenant)
            assert await setup.provider.inventory() == inventory
            await setup.login_check.verify(connection)

            await call(provision_request.tenant)
            await setup.login_check.verify(connection)
            assert await find_in_inventory(setup.provider, other) == [expected_item(other)]


async def test_a_suspended_tenant_is_refused_until_it_is_provisioned_again(
    setup: ProviderSetup,
) -> None:
    provision_request = new_provision_request()
    async with provisioned_database(setup.provider, provision_request):
        for times in (1, 2):
            connection = await setup.provider.provision(provision_request)
            for _ in range(times):
                await setup.provider.suspend(provision_request.tenant)
                await _assert_refused(setup, connection)
            assert await find_in_inventory(setup.provider, provision_request) == [
                expected_item(provision_request)
            ]
            await setup.login_check.verify(await setup.provider.provision(provision_request))
            assert await find_in_inventory(setup.provider, provision_request) == [
                expected_item(provision_request)
            ]


async def test_five_concurrent_suspensions_converge(setup: ProviderSetup) -> None:
    provision_request = new_provision_request()
    async with provisioned_database(setup.provider, provision_request) as connection:
        await asyncio.gather(*[setup.provider.suspend(provision_request.tenant) for _ in range(5)])
        await _assert_refused(setup, connection)
        await setup.login_check.verify(await setup.provider.provision(provision_request))


async def test_a_suspended_tenant_can_be_reopened_with_its_next_password(
    setup: ProviderSetup,
) -> None:
    provision_request = new_provision_request()
    async with provisioned_database(setup.provider, provision_request) as old:
        await setup.provider.suspend(provision_request.tenant)
        await setup.login_check.verify(
            await setup.provider.provision(with_next_password(provision_request))
        )
        await _assert_refused(setup, old)


async def test_a_suspended_tenant_can_be_deleted_and_counts_as_suspended(
    setup: ProviderSetup,
) -> None:
    provision_request = new_provision_request()
    async with provisioned_database(setup.provider, provision_request):
        await setup.provider.suspend(provision_request.tenant)
        await setup.provider.delete(provision_request.tenant)
        assert await find_in_inventory(setup.provider, provision_request) == []
        await setup.provider.suspend(provision_request.tenant)
        assert await find_in_inventory(setup.provider, provision_request) == []


@only(lambda kind: kind.has_sessions)
async def test_suspension_ends_sessions_and_keeps_data(setup: ProviderSetup) -> None:
    provision_request = new_provision_request()
    async with (
        provisioned_database(setup.provider, provision_request) as connection,
        AsyncExitStack() as sessions,
    ):
        stores = [
            await sessions.enter_async_context(open_tenant_session(connection)) for _ in range(3)
        ]
        make = "CREATE SCHEMA safe; CREATE TABLE safe.kept AS SELECT 42 AS answer"
        await stores[0].execute(make)
        await setup.provider.suspend(provision_request.tenant)
        for ended in stores:
            with pytest.raises(FAILURES):
                await ended.execute("SELECT 1")

        async with open_tenant_session(
            await setup.provider.provision(provision_request)
        ) as session:
            assert await session.fetchval("SELECT answer FROM safe.kept") == 42
            await session.execute(make.replace("safe", "owned"))


async def _assert_refused(setup: ProviderSetup, connection: Connection) -> None:
    with pytest.raises(ProviderRejected):
        await setup.login_check.verify(connection)

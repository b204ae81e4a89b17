"""The contract of a provider: rotation of passwords."""

import asyncio

import pytest

from domain.errors import DatabaseNotFound, ProviderRejected
from tests.contract.conftest import only
from tests.contract.provider_kinds import ProviderSetup
from tests.support.databases import (
    expected_item,
    find_in_inventory,
    provisioned_database,
    request_for_same_names,
)
from tests.support.provision_requests import new_provision_request, with_next_password


async def test_after_a_rotation_the_new_password_logs_in_and_the_old_does_not(
    setup: ProviderSetup,
) -> None:
    provision_request = new_provision_request()
    async with provisioned_database(setup.provider, provision_request) as old:
        for _ in range(3):
            new = await setup.provider.rotate(with_next_password(provision_request))
            await setup.login_check.verify(new)
            with pytest.raises(ProviderRejected):
                await setup.login_check.verify(old)
        assert await find_in_inventory(setup.provider, provision_request) == [
            expected_item(provision_request)
        ]
        await setup.login_check.verify(await setup.provider.provision(provision_request))


async def test_five_concurrent_rotations_leave_a_working_login(setup: ProviderSetup) -> None:
    provision_request = new_provision_request()
    async with provisioned_database(setup.provider, provision_request):
        await asyncio.gather(
            *[setup.provider.rotate(with_next_password(provision_request)) for _ in range(5)]
        )
        await setup.login_check.verify(await setup.provider.provision(provision_request))


async def test_the_password_of_a_missing_tenant_cannot_be_rotated(setup: ProviderSetup) -> None:
    provision_request, nobodys = new_provision_request(), new_provision_request()
    async with provisioned_database(setup.provider, provision_request) as connection:
        for other in (nobodys, request_for_same_names(provision_request)):
            with pytest.raises(DatabaseNotFound):
                await setup.provider.rotate(other)
        await setup.login_check.verify(connection)
        assert await find_in_inventory(setup.provider, nobodys) == []

        await setup.provider.delete(provision_request.tenant)
        with pytest.raises(DatabaseNotFound):
            await setup.provider.rotate(with_next_password(provision_request))


@only(lambda kind: kind.chooses_passwords)
async def test_the_password_is_that_of_the_request(setup: ProviderSetup) -> None:
    provision_request = new_provision_request()
    async with provisioned_database(setup.provider, provision_request) as connection:
        assert connection.password == provision_request.password
        new = with_next_password(provision_request)
        first, *others = await asyncio.gather(*[setup.provider.rotate(new) for _ in range(5)])
        assert others == [first] * 4
        assert await setup.provider.rotate(new) == first
        await setup.login_check.verify(first)

        await setup.provider.provision(provision_request)
        await setup.login_check.verify(connection)

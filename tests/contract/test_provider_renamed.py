"""The contract of a provider: tenants whose role was renamed are found by their mark."""

from collections.abc import Awaitable, Callable

import pytest

from domain.errors import NameTaken, ProviderRejected
from domain.provisioning import ProvisionRequest
from tests.contract.conftest import only
from tests.contract.provider_kinds import ProviderSetup
from tests.support.databases import expected_item, find_in_inventory, provisioned_database
from tests.support.provision_requests import new_provision_request, with_next_password

pytestmark = only(lambda kind: kind.renames)

RENAMED = "renamed by the operator"

Call = Callable[[ProviderSetup, ProvisionRequest], Awaitable[object]]

HANDING_OUT: dict[str, Call] = {
    "provision": lambda setup, provision_request: setup.provider.provision(provision_request),
    "rotate": lambda setup, provision_request: setup.provider.rotate(provision_request),
    "install": lambda setup, provision_request: setup.provider.install(provision_request),
}


@pytest.mark.parametrize("call", HANDING_OUT.values(), ids=HANDING_OUT)
async def test_a_renamed_role_is_renamed_back_before_its_login_is_returned(
    setup: ProviderSetup, call: Call
) -> None:
    provision_request = new_provision_request()
    async with provisioned_database(setup.provider, provision_request) as connection:
        await setup.rename_role(connection.user, RENAMED)
        await call(setup, provision_request)
        assert await find_in_inventory(setup.provider, provision_request) == [
            expected_item(provision_request)
        ]
        await setup.login_check.verify(connection)


@pytest.mark.parametrize("call", HANDING_OUT.values(), ids=HANDING_OUT)
async def test_a_name_that_another_role_has_taken_stays_with_it(
    setup: ProviderSetup, call: Call
) -> None:
    provision_request, other = new_provision_request(), new_provision_request()
    async with (
        provisioned_database(setup.provider, provision_request) as mine,
        provisioned_database(setup.provider, other) as theirs,
    ):
        await setup.rename_role(mine.user, RENAMED)
        await setup.rename_role(theirs.user, mine.user)
        with pytest.raises(NameTaken):
            await call(setup, provision_request)
        await setup.provider.delete(provision_request.tenant)
        assert await find_in_inventory(setup.provider, provision_request) == []
        await setup.login_check.verify(await setup.provider.provision(other))


async def test_a_renamed_role_can_be_suspended(setup: ProviderSetup) -> None:
    provision_request = new_provision_request()
    async with provisioned_database(setup.provider, provision_request) as connection:
        await setup.rename_role(connection.user, RENAMED)
        await setup.provider.suspend(provision_request.tenant)
        await setup.rename_role(RENAMED, connection.user)
        with pytest.raises(ProviderRejected):
            await setup.login_check.verify(connection)
        await setup.login_check.verify(
            await setup.provider.provision(with_next_password(provision_request))
        )


async def test_a_renamed_role_can_be_deleted(setup: ProviderSetup) -> None:
    provision_request = new_provision_request()
    async with provisioned_database(setup.provider, provision_request) as connection:
        await setup.rename_role(connection.user, RENAMED)
        await setup.provider.delete(provision_request.tenant)
        assert await find_in_inventory(setup.provider, provision_request) == []

"""The contract of a provider: extensions."""

from dataclasses import replace

import pytest

from domain.errors import DatabaseNotFound, ExtensionUnavailable
from domain.provisioning import ProvisionRequest
from tests.contract.provider_kinds import ProviderSetup
from tests.support.databases import expected_item, find_in_inventory, provisioned_database
from tests.support.provision_requests import new_provision_request

EVERYWHERE = "plpgsql"
"""An extension that every server has and every database has installed."""


def _add_extensions(provision_request: ProvisionRequest, *extensions: str) -> ProvisionRequest:
    return replace(provision_request, extensions=extensions)


async def test_extensions_are_listed_once_ordered_by_name(setup: ProviderSetup) -> None:
    names = [extension.name for extension in await setup.provider.extensions()]

    assert EVERYWHERE in names
    assert names == sorted(set(names))


async def test_a_listed_extension_can_be_provisioned(setup: ProviderSetup) -> None:
    listed = await setup.provider.extensions()
    expected = max(listed, key=lambda extension: extension.name in {"vector", "hstore"}).name
    provision_request = _add_extensions(new_provision_request(), expected)
    async with provisioned_database(setup.provider, provision_request) as connection:
        await setup.login_check.verify(connection)


async def test_an_unlisted_extension_is_refused_before_anything_is_created(
    setup: ProviderSetup,
) -> None:
    provision_request = _add_extensions(new_provision_request(), EVERYWHERE, "no_such_extension")

    with pytest.raises(ExtensionUnavailable, match=rf"'no_such_extension' .*{EVERYWHERE}"):
        await setup.provider.provision(provision_request)

    assert await find_in_inventory(setup.provider, provision_request) == []


async def test_a_refused_extension_leaves_the_names_free(setup: ProviderSetup) -> None:
    provision_request = new_provision_request()
    with pytest.raises(ExtensionUnavailable):
        await setup.provider.provision(_add_extensions(provision_request, "no_such_extension"))
    async with provisioned_database(setup.provider, provision_request) as connection:
        await setup.login_check.verify(connection)


async def test_an_extension_can_be_installed_later_idempotently(setup: ProviderSetup) -> None:
    listed = await setup.provider.extensions()
    provision_request = new_provision_request()
    extended = _add_extensions(provision_request, *[extension.name for extension in listed[:2]])
    async with provisioned_database(setup.provider, provision_request) as connection:
        await setup.provider.install(extended)
        await setup.provider.install(extended)
        await setup.login_check.verify(connection)
        assert await setup.provider.provision(extended) == connection


async def test_an_extension_that_cannot_be_installed_changes_nothing(setup: ProviderSetup) -> None:
    provision_request = new_provision_request()
    async with provisioned_database(setup.provider, provision_request) as connection:
        with pytest.raises(ExtensionUnavailable, match="no_such_extension"):
            await setup.provider.install(_add_extensions(provision_request, "no_such_extension"))
        await setup.login_check.verify(connection)
        assert await find_in_inventory(setup.provider, provision_request) == [
            expected_item(provision_request)
        ]


async def test_an_extension_cannot_be_installed_in_a_missing_database(setup: ProviderSetup) -> None:
    provision_request = _add_extensions(new_provision_request(), EVERYWHERE)

    with pytest.raises(DatabaseNotFound):
        await setup.provider.install(provision_request)

    assert await find_in_inventory(setup.provider, provision_request) == []

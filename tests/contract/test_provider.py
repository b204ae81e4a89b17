"""The contract of a provider: provisioning, and revealing connections."""

import asyncio
from dataclasses import replace

import pytest

from domain.errors import DatabaseNotFound, ExtensionUnavailable
from tests.contract.conftest import only
from tests.contract.provider_kinds import ProviderSetup
from tests.support.databases import (
    expected_item,
    find_in_inventory,
    provisioned_database,
    request_for_same_names,
)
from tests.support.provision_requests import new_provision_request, with_next_password


async def test_a_provisioned_database_works_and_provisioning_is_idempotent(
    setup: ProviderSetup,
) -> None:
    provision_request = new_provision_request()
    await setup.provider.ping()
    assert await find_in_inventory(setup.provider, provision_request) == []
    async with provisioned_database(setup.provider, provision_request) as connection:
        names = provision_request.tenant.names
        assert (connection.database, connection.user) == (names.database, names.owner)
        await setup.login_check.verify(connection)
        assert await find_in_inventory(setup.provider, provision_request) == [
            expected_item(provision_request)
        ]

        assert await setup.provider.provision(provision_request) == connection
        assert await find_in_inventory(setup.provider, provision_request) == [
            expected_item(provision_request)
        ]
        await setup.login_check.verify(connection)


async def test_no_printable_text_contains_the_password(setup: ProviderSetup) -> None:
    provision_request = new_provision_request()
    async with provisioned_database(setup.provider, provision_request) as connection:
        texts = [f"{it!r} {it!s}" for it in (provision_request, connection, setup.provider)]
        secrets = {provision_request.password.reveal(), connection.password.reveal()}
        assert [text for text in texts for secret in secrets if secret in text] == []


async def test_names_may_have_63_bytes(setup: ProviderSetup) -> None:
    provision_request = new_provision_request(f"{new_provision_request().tenant.id} {'long' * 20}")
    async with provisioned_database(setup.provider, provision_request) as connection:
        await setup.login_check.verify(connection)
        assert await find_in_inventory(setup.provider, provision_request) == [
            expected_item(provision_request)
        ]


async def test_five_concurrent_provisions_create_one_database(setup: ProviderSetup) -> None:
    provision_request = new_provision_request()
    try:
        connections = await asyncio.gather(
            *[setup.provider.provision(provision_request) for _ in range(5)]
        )
        assert len(set(connections)) == 1
        assert await find_in_inventory(setup.provider, provision_request) == [
            expected_item(provision_request)
        ]
        await setup.login_check.verify(connections[0])
    finally:
        await setup.provider.delete(provision_request.tenant)


async def test_a_concurrent_provision_and_deletion_end_in_one_of_the_two(
    setup: ProviderSetup,
) -> None:
    provision_request = new_provision_request()
    for _ in range(3):
        outcomes = await asyncio.gather(
            setup.provider.provision(provision_request),
            setup.provider.delete(provision_request.tenant),
            return_exceptions=True,
        )
        assert [outcome for outcome in outcomes if isinstance(outcome, BaseException)] == []
        assert await find_in_inventory(setup.provider, provision_request) in (
            [],
            [expected_item(provision_request)],
        )
    await setup.provider.delete(provision_request.tenant)
    assert await find_in_inventory(setup.provider, provision_request) == []


async def test_many_concurrent_provisions_work_and_are_listed_by_id(setup: ProviderSetup) -> None:
    requests = [new_provision_request() for _ in range(setup.max_concurrent)]
    try:
        connections = await asyncio.gather(*map(setup.provider.provision, requests[::-1]))
        await asyncio.gather(*map(setup.login_check.verify, connections))
        inventory = await setup.provider.inventory()
        assert [
            provision_request
            for provision_request in requests
            if expected_item(provision_request) not in inventory
        ] == []
        assert inventory == sorted(inventory, key=lambda item: item.id)
    finally:
        await asyncio.gather(
            *(setup.provider.delete(provision_request.tenant) for provision_request in requests)
        )


async def test_an_unavailable_extension_is_refused(setup: ProviderSetup) -> None:
    provision_request = replace(new_provision_request(), extensions=("no_such_extension",))
    try:
        with pytest.raises(ExtensionUnavailable, match="no_such_extension"):
            await setup.provider.provision(provision_request)
    finally:
        await setup.provider.delete(provision_request.tenant)


async def test_reveal_returns_the_provisioned_connection_and_changes_nothing(
    setup: ProviderSetup,
) -> None:
    provision_request = new_provision_request()
    async with provisioned_database(setup.provider, provision_request) as connection:
        inventory = await setup.provider.inventory()
        with_extension = replace(provision_request, extensions=("no_such_extension",))
        requests = [provision_request, provision_request, provision_request, with_extension]
        assert await asyncio.gather(*map(setup.provider.reveal, requests)) == [connection] * 4
        assert await setup.provider.inventory() == inventory
        await setup.login_check.verify(connection)


async def test_reveal_returns_the_newest_connection(setup: ProviderSetup) -> None:
    """After each rotation, and after a suspension was lifted."""
    provision_request = new_provision_request()
    async with provisioned_database(setup.provider, provision_request):
        for rotation in (1, 2):
            new = with_next_password(provision_request, rotation)
            connection = await setup.provider.rotate(new)
            assert await setup.provider.reveal(new) == connection
            await setup.login_check.verify(connection)
        await setup.provider.suspend(provision_request.tenant)
        connection = await setup.provider.provision(provision_request)
        assert await setup.provider.reveal(provision_request) == connection
        await setup.login_check.verify(connection)


async def test_reveal_provisions_nothing(setup: ProviderSetup) -> None:
    """If the provider chooses passwords, an error says that the tenant does not exist."""
    provision_request = new_provision_request()
    await asyncio.gather(setup.provider.reveal(provision_request), return_exceptions=True)
    assert await find_in_inventory(setup.provider, provision_request) == []


@only(lambda kind: not kind.chooses_passwords)
async def test_revealing_a_missing_tenant_raises_if_the_provider_chooses_passwords(
    setup: ProviderSetup,
) -> None:
    provision_request = new_provision_request()
    async with provisioned_database(setup.provider, provision_request):
        for other in (new_provision_request(), request_for_same_names(provision_request)):
            with pytest.raises(DatabaseNotFound):
                await setup.provider.reveal(other)
        await setup.provider.delete(provision_request.tenant)
        with pytest.raises(DatabaseNotFound):
            await setup.provider.reveal(provision_request)

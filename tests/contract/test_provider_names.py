"""The contract of a provider: names that are unique among tenants."""

import asyncio

import pytest

from domain.connection import Connection
from domain.errors import NameTaken
from domain.names import PgNames
from domain.provisioning import ProvisionRequest
from tests.contract.conftest import only
from tests.contract.provider_kinds import ProviderSetup
from tests.support.databases import expected_item, provisioned_database, request_for_same_names
from tests.support.provision_requests import new_provision_request

pytestmark = only(lambda kind: kind.unique_names)


@pytest.mark.parametrize("taken", ["both", "database", "owner"])
async def test_a_name_in_use_is_refused_and_its_owner_unchanged(
    setup: ProviderSetup, taken: str
) -> None:
    provision_request = new_provision_request()
    names, free = provision_request.tenant.names, new_provision_request().tenant.names
    if taken == "database":
        names = PgNames(database=names.database, owner=free.owner)
    elif taken == "owner":
        names = PgNames(database=free.database, owner=names.owner)
    async with provisioned_database(setup.provider, provision_request) as connection:
        inventory, other = (
            await setup.provider.inventory(),
            request_for_same_names(provision_request, names),
        )
        with pytest.raises(NameTaken) as refused:
            await setup.provider.provision(other)
        assert await setup.provider.inventory() == inventory
        await setup.login_check.verify(connection)
        passwords = (connection.password, provision_request.password, other.password)
        text = f"{refused.value!r} {refused.value!s}"
        assert [word for word in passwords if word.reveal() in text] == []


async def test_of_concurrent_requests_for_one_name_one_succeeds(setup: ProviderSetup) -> None:
    # open connections first: else the first login decides
    await asyncio.gather(*[setup.provider.ping() for _ in range(6)])
    for _ in range(3):
        first = new_provision_request()
        requests = [first, *(request_for_same_names(first) for _ in range(5))]
        try:
            await _race(setup, requests)
        finally:
            await asyncio.gather(
                *(setup.provider.delete(provision_request.tenant) for provision_request in requests)
            )


async def _race(setup: ProviderSetup, requests: list[ProvisionRequest]) -> None:
    results = await asyncio.gather(
        *(setup.provider.provision(provision_request) for provision_request in requests),
        return_exceptions=True,
    )
    [(winner, connection)] = [
        (provision_request, result)
        for provision_request, result in zip(requests, results, strict=True)
        if isinstance(result, Connection)
    ]
    losers = [result for result in results if result is not connection]
    assert [type(error) for error in losers] == [NameTaken] * len(losers)
    await setup.login_check.verify(connection)
    ids = {provision_request.tenant.id for provision_request in requests}
    left = [found for found in await setup.provider.inventory() if found.id in ids]
    assert left == [expected_item(winner)]

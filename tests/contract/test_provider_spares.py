"""The contract of a provider: spares, and their claims."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from domain.connection import Connection
from domain.errors import NameTaken, PgvendError, ProviderRejected, SpareBroken
from domain.provisioning import ProvisionRequest
from tests.contract.conftest import ProviderKind, only
from tests.contract.provider_kinds import ProviderSetup
from tests.support.databases import expected_item, find_in_inventory
from tests.support.provision_requests import with_next_password
from tests.support.spare_requests import claim_of, fill_spare, filled_spare

pytestmark = only(lambda kind: kind.has_spares)


@pytest.fixture
async def spare(setup: ProviderSetup) -> AsyncIterator[ProvisionRequest]:
    async with filled_spare(setup.provider, setup.login_check) as spare:
        yield spare


@pytest.fixture
def claim(kind: ProviderKind, spare: ProvisionRequest) -> ProvisionRequest:
    return claim_of(spare, has_opaque_names=not kind.renames_spares)


async def test_a_spare_is_listed_as_one_and_refuses_logins(
    setup: ProviderSetup, spare: ProvisionRequest
) -> None:
    connection = await setup.provider.provision(spare)
    await setup.provider.suspend(spare.tenant)
    await _assert_spare(setup, spare)
    await _assert_refused(setup, connection)


async def test_filling_a_spare_is_idempotent(setup: ProviderSetup, spare: ProvisionRequest) -> None:
    await fill_spare(setup.provider, setup.login_check, spare)
    await _assert_spare(setup, spare)


async def test_a_claimed_spare_is_a_database_with_the_spares_password(
    setup: ProviderSetup, claim: ProvisionRequest
) -> None:
    connection = await setup.provider.provision(claim)
    names = claim.tenant.names
    assert (connection.database, connection.user) == (names.database, names.owner)
    assert await setup.provider.reveal(claim) == connection
    await _assert_claimed(setup, claim, connection)


async def test_opaque_names_stay_in_a_claim(setup: ProviderSetup, spare: ProvisionRequest) -> None:
    claim = claim_of(spare, has_opaque_names=True)
    await _assert_claimed(setup, claim, await setup.provider.provision(claim))


async def test_a_repeated_claim_changes_nothing(
    setup: ProviderSetup, claim: ProvisionRequest
) -> None:
    """The answer to a claim may be lost, and then the claim is repeated."""
    connections = [await setup.provider.provision(claim) for _ in range(2)]
    connections += await asyncio.gather(*(setup.provider.provision(claim) for _ in range(3)))
    assert len(set(connections)) == 1
    await _assert_claimed(setup, claim, connections[0])


async def test_of_concurrent_claims_all_succeed(
    setup: ProviderSetup, claim: ProvisionRequest
) -> None:
    connections = await asyncio.gather(*(setup.provider.provision(claim) for _ in range(5)))
    assert len(set(connections)) == 1
    await _assert_claimed(setup, claim, connections[0])


async def test_an_open_spare_can_be_claimed(
    setup: ProviderSetup, claim: ProvisionRequest, spare: ProvisionRequest
) -> None:
    await setup.provider.provision(spare)
    await _assert_claimed(setup, claim, await setup.provider.provision(claim))


async def test_a_spare_that_does_not_exist_is_broken(
    setup: ProviderSetup, claim: ProvisionRequest, spare: ProvisionRequest
) -> None:
    await setup.provider.delete(spare.tenant)
    with pytest.raises(SpareBroken):
        await setup.provider.provision(claim)
    assert await find_in_inventory(setup.provider, claim) == []
    await _assert_provisions(setup, claim)


async def test_a_spare_can_be_provisioned_without_a_claim(
    setup: ProviderSetup, claim: ProvisionRequest
) -> None:
    await _assert_provisions(setup, claim)


async def test_what_is_asked_for_a_spare_leaves_its_claimed_database_alone(
    setup: ProviderSetup, claim: ProvisionRequest, spare: ProvisionRequest
) -> None:
    """A registry that was restored from a backup may know the spare, and not its claim."""
    connection = await setup.provider.provision(claim)
    for renamed in (spare.tenant, replace(claim.tenant, is_spare=True)):
        await setup.provider.suspend(renamed)
        await setup.provider.delete(renamed)
        with pytest.raises(NameTaken):
            await setup.provider.provision(replace(spare, tenant=renamed))
    await _assert_claimed(setup, claim, connection)


async def test_a_deleted_spare_leaves_nothing(
    setup: ProviderSetup, spare: ProvisionRequest
) -> None:
    for _ in range(2):
        await setup.provider.delete(spare.tenant)
        assert await find_in_inventory(setup.provider, spare) == []


async def test_the_deletion_of_a_claimed_spare_leaves_nothing(
    setup: ProviderSetup, claim: ProvisionRequest
) -> None:
    connection = await setup.provider.provision(claim)
    await setup.provider.delete(claim.tenant)
    assert await find_in_inventory(setup.provider, claim) == []
    with pytest.raises(PgvendError):
        await setup.login_check.verify(connection)


async def test_the_deletion_of_a_database_whose_claim_did_not_begin_leaves_nothing(
    setup: ProviderSetup, claim: ProvisionRequest
) -> None:
    await setup.provider.delete(claim.tenant)
    assert await find_in_inventory(setup.provider, claim) == []


async def test_a_claimed_spare_can_be_suspended_and_opened_again(
    setup: ProviderSetup, claim: ProvisionRequest
) -> None:
    connection = await setup.provider.provision(claim)
    await setup.provider.suspend(claim.tenant)
    await _assert_refused(setup, connection)
    await _assert_provisions(setup, claim)


async def test_a_claimed_spares_password_can_be_replaced(
    setup: ProviderSetup, claim: ProvisionRequest
) -> None:
    connection = await setup.provider.provision(claim)
    new = with_next_password(replace(claim, claims=False))
    await setup.login_check.verify(await setup.provider.rotate(new))
    await _assert_refused(setup, connection)


async def _assert_spare(setup: ProviderSetup, spare: ProvisionRequest) -> None:
    item = replace(expected_item(spare), is_spare=True)
    assert await find_in_inventory(setup.provider, spare) == [item]


async def _assert_claimed(
    setup: ProviderSetup, claim: ProvisionRequest, connection: Connection
) -> None:
    await setup.login_check.verify(connection)
    assert await find_in_inventory(setup.provider, claim) == [expected_item(claim)]


async def _assert_provisions(setup: ProviderSetup, claim: ProvisionRequest) -> None:
    """Check that the database can be provisioned without a claim, with another password."""
    request = with_next_password(replace(claim, claims=False))
    await _assert_claimed(setup, request, await setup.provider.provision(request))


async def _assert_refused(setup: ProviderSetup, connection: Connection) -> None:
    with pytest.raises(ProviderRejected):
        await setup.login_check.verify(connection)

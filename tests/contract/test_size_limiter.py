"""The contract of the size limiter."""

import asyncio

from tests.contract.conftest import only
from tests.contract.provider_kinds import ProviderSetup
from tests.support.databases import (
    expected_item,
    find_in_inventory,
    provisioned_database,
    request_for_same_names,
)
from tests.support.provision_requests import new_provision_request, with_next_password
from tests.support.spare_requests import claim_of, filled_spare

pytestmark = only(lambda kind: kind.guards_sizes)


async def read_only(setup: ProviderSetup, tenant_id: str) -> bool:
    return (await setup.size_limiter.measure_sizes())[tenant_id].read_only


async def test_every_existing_database_is_measured(setup: ProviderSetup) -> None:
    one, other = new_provision_request(), new_provision_request()
    async with (
        provisioned_database(setup.provider, one),
        provisioned_database(setup.provider, other),
    ):
        sizes = await setup.size_limiter.measure_sizes()
        for provision_request in (one, other):
            assert sizes[provision_request.tenant.id].size > 4 << 20
            assert not sizes[provision_request.tenant.id].read_only
        await setup.provider.delete(one.tenant)
        assert one.tenant.id not in await setup.size_limiter.measure_sizes()


async def test_only_the_databases_that_are_asked_for_are_measured(setup: ProviderSetup) -> None:
    one, other = new_provision_request(), new_provision_request()
    async with (
        provisioned_database(setup.provider, one),
        provisioned_database(setup.provider, other),
    ):
        sizes = await setup.size_limiter.measure_sizes([one.tenant.id, "db_nothing"])
        assert [*sizes] == [one.tenant.id]
        assert sizes[one.tenant.id].size > 4 << 20
        assert await setup.size_limiter.measure_sizes([]) == {}


async def test_a_read_only_tenant_is_reported_and_may_log_in(setup: ProviderSetup) -> None:
    provision_request, other = new_provision_request(), new_provision_request()
    async with (
        provisioned_database(setup.provider, provision_request) as connection,
        provisioned_database(setup.provider, other),
    ):
        for times in (1, 2):
            for _ in range(times):
                await setup.size_limiter.set_read_only(provision_request.tenant)
                assert await read_only(setup, provision_request.tenant.id)
            assert not await read_only(setup, other.tenant.id)
            assert await find_in_inventory(setup.provider, provision_request) == [
                expected_item(provision_request)
            ]
            await setup.login_check.verify(connection)
            for _ in range(times):
                await setup.size_limiter.clear_read_only(provision_request.tenant)
                assert not await read_only(setup, provision_request.tenant.id)
            await setup.login_check.verify(connection)


async def test_five_concurrent_calls_to_set_read_only_converge(setup: ProviderSetup) -> None:
    provision_request = new_provision_request()
    async with provisioned_database(setup.provider, provision_request) as connection:
        await asyncio.gather(
            *[setup.size_limiter.set_read_only(provision_request.tenant) for _ in range(5)]
        )
        assert await read_only(setup, provision_request.tenant.id)
        await setup.login_check.verify(connection)


async def test_a_tenant_stays_read_only_until_it_is_deleted(setup: ProviderSetup) -> None:
    provision_request = new_provision_request()
    async with provisioned_database(setup.provider, provision_request):
        await setup.size_limiter.set_read_only(provision_request.tenant)
        await setup.provider.rotate(with_next_password(provision_request))
        await setup.provider.suspend(provision_request.tenant)
        assert await read_only(setup, provision_request.tenant.id)
        await setup.login_check.verify(
            await setup.provider.provision(with_next_password(provision_request))
        )
        assert await read_only(setup, provision_request.tenant.id)

        await setup.provider.delete(provision_request.tenant)
        assert await find_in_inventory(setup.provider, provision_request) == []
        await setup.provider.provision(provision_request)
        assert not await read_only(setup, provision_request.tenant.id)


async def test_a_suspended_tenant_can_become_read_only_and_writable(setup: ProviderSetup) -> None:
    provision_request = new_provision_request()
    async with provisioned_database(setup.provider, provision_request):
        await setup.provider.suspend(provision_request.tenant)
        await setup.size_limiter.set_read_only(provision_request.tenant)
        assert await read_only(setup, provision_request.tenant.id)
        await setup.size_limiter.clear_read_only(provision_request.tenant)
        assert not await read_only(setup, provision_request.tenant.id)


async def test_a_tenant_that_never_existed_counts_as_read_only_and_as_writable(
    setup: ProviderSetup,
) -> None:
    provision_request = new_provision_request()
    async with provisioned_database(setup.provider, provision_request):
        before = await setup.provider.inventory()
        for nobody in (new_provision_request(), request_for_same_names(provision_request)):
            await setup.size_limiter.set_read_only(nobody.tenant)
            assert not await read_only(setup, provision_request.tenant.id)
        await setup.size_limiter.set_read_only(provision_request.tenant)
        for nobody in (new_provision_request(), request_for_same_names(provision_request)):
            await setup.size_limiter.clear_read_only(nobody.tenant)
            assert await read_only(setup, provision_request.tenant.id)
        assert await setup.provider.inventory() == before


async def test_other_tenants_may_come_and_go_during_a_measurement(setup: ProviderSetup) -> None:
    provision_request = new_provision_request()

    async def come_and_go() -> None:
        for _ in range(3):
            async with provisioned_database(setup.provider, new_provision_request()):
                pass

    async with provisioned_database(setup.provider, provision_request):
        coming = asyncio.gather(*[come_and_go() for _ in range(4)])
        try:
            while not coming.done():
                sizes = await setup.size_limiter.measure_sizes()
                assert not sizes[provision_request.tenant.id].read_only
                await asyncio.sleep(0)
        finally:
            await coming


async def test_a_renamed_tenant_is_found_by_its_mark(setup: ProviderSetup) -> None:
    provision_request = new_provision_request()
    async with provisioned_database(setup.provider, provision_request) as connection:
        if setup.admins:
            await setup.rename_role(connection.user, "renamed by the operator")
        await setup.size_limiter.set_read_only(provision_request.tenant)
        assert await read_only(setup, provision_request.tenant.id)
        await setup.size_limiter.clear_read_only(provision_request.tenant)
        assert not await read_only(setup, provision_request.tenant.id)


async def test_spares_are_not_measured_before_their_claim(setup: ProviderSetup) -> None:
    async with filled_spare(setup.provider, setup.login_check) as spare:
        measured = await setup.size_limiter.measure_sizes()
        assert [each for each in measured if each.startswith(spare.tenant.id)] == []
        await setup.provider.provision(claim_of(spare))
        assert spare.tenant.id in await setup.size_limiter.measure_sizes()


async def test_a_spare_that_was_claimed_stays_writable(setup: ProviderSetup) -> None:
    async with filled_spare(setup.provider, setup.login_check) as spare:
        await setup.provider.provision(claim_of(spare))
        await setup.size_limiter.set_read_only(spare.tenant)
        measured = await setup.size_limiter.measure_sizes()
        assert not measured[spare.tenant.id].read_only

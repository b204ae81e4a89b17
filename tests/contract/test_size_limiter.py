"""The contract of the size limiter."""

import asyncio

from tests.contract.conftest import only
from tests.contract.provider_kinds import Subject
from tests.support.databases import held, holding_of, namesake, vended
from tests.support.provision_requests import new_order, rotated

pytestmark = only(lambda kind: kind.guards_sizes)


async def read_only(subject: Subject, tenant_id: str) -> bool:
    return (await subject.size_guard.measures())[tenant_id].read_only


async def test_every_existing_database_is_measured(subject: Subject) -> None:
    one, other = new_order(), new_order()
    async with vended(subject.provider, one), vended(subject.provider, other):
        sizes = await subject.size_guard.measures()
        for order in (one, other):
            assert sizes[order.tenant.id].size > 4 << 20
            assert not sizes[order.tenant.id].read_only
        await subject.provider.delete(one.tenant)
        assert one.tenant.id not in await subject.size_guard.measures()


async def test_a_read_only_tenant_is_reported_and_may_log_in(subject: Subject) -> None:
    order, other = new_order(), new_order()
    async with vended(subject.provider, order) as connection, vended(subject.provider, other):
        for times in (1, 2):
            for _ in range(times):
                await subject.size_guard.confine(order.tenant)
                assert await read_only(subject, order.tenant.id)
            assert not await read_only(subject, other.tenant.id)
            assert await held(subject.provider, order) == [holding_of(order)]
            await subject.login_check.verify(connection)
            for _ in range(times):
                await subject.size_guard.release(order.tenant)
                assert not await read_only(subject, order.tenant.id)
            await subject.login_check.verify(connection)


async def test_five_concurrent_calls_to_set_read_only_converge(subject: Subject) -> None:
    order = new_order()
    async with vended(subject.provider, order) as connection:
        await asyncio.gather(*[subject.size_guard.confine(order.tenant) for _ in range(5)])
        assert await read_only(subject, order.tenant.id)
        await subject.login_check.verify(connection)


async def test_a_tenant_stays_read_only_until_it_is_deleted(subject: Subject) -> None:
    order = new_order()
    async with vended(subject.provider, order):
        await subject.size_guard.confine(order.tenant)
        await subject.provider.rotate(rotated(order))
        await subject.provider.suspend(order.tenant)
        assert await read_only(subject, order.tenant.id)
        await subject.login_check.verify(await subject.provider.provision(rotated(order)))
        assert await read_only(subject, order.tenant.id)

        await subject.provider.delete(order.tenant)
        assert await held(subject.provider, order) == []
        await subject.provider.provision(order)
        assert not await read_only(subject, order.tenant.id)


async def test_a_suspended_tenant_can_become_read_only_and_writable(subject: Subject) -> None:
    order = new_order()
    async with vended(subject.provider, order):
        await subject.provider.suspend(order.tenant)
        await subject.size_guard.confine(order.tenant)
        assert await read_only(subject, order.tenant.id)
        await subject.size_guard.release(order.tenant)
        assert not await read_only(subject, order.tenant.id)


async def test_a_tenant_that_never_existed_counts_as_read_only_and_as_writable(
    subject: Subject,
) -> None:
    order = new_order()
    async with vended(subject.provider, order):
        before = await subject.provider.inventory()
        for nobody in (new_order(), namesake(order)):
            await subject.size_guard.confine(nobody.tenant)
            assert not await read_only(subject, order.tenant.id)
        await subject.size_guard.confine(order.tenant)
        for nobody in (new_order(), namesake(order)):
            await subject.size_guard.release(nobody.tenant)
            assert await read_only(subject, order.tenant.id)
        assert await subject.provider.inventory() == before


async def test_other_tenants_may_come_and_go_during_a_measurement(subject: Subject) -> None:
    order = new_order()

    async def come_and_go() -> None:
        for _ in range(3):
            async with vended(subject.provider, new_order()):
                pass

    async with vended(subject.provider, order):
        coming = asyncio.gather(*[come_and_go() for _ in range(4)])
        try:
            while not coming.done():
                sizes = await subject.size_guard.measures()
                assert not sizes[order.tenant.id].read_only
                await asyncio.sleep(0)
        finally:
            await coming


async def test_a_renamed_tenant_is_found_by_its_mark(subject: Subject) -> None:
    order = new_order()
    async with vended(subject.provider, order) as connection:
        if subject.admins:
            await subject.rename_role(connection.user, "renamed by the operator")
        await subject.size_guard.confine(order.tenant)
        assert await read_only(subject, order.tenant.id)
        await subject.size_guard.release(order.tenant)
        assert not await read_only(subject, order.tenant.id)

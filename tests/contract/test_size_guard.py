"""What every size guard promises."""

import asyncio

from tests.contract.conftest import only
from tests.contract.subjects import Subject
from tests.support.databases import held, holding_of, namesake, vended
from tests.support.orders import new_order, rotated

pytestmark = only(lambda kind: kind.guards_sizes)


async def read_only(subject: Subject, tenant_id: str) -> bool:
    return (await subject.size_guard.measures())[tenant_id].read_only


async def test_every_database_is_measured_while_it_is_there(subject: Subject) -> None:
    one, other = new_order(), new_order()
    async with vended(subject.provider, one), vended(subject.provider, other):
        measures = await subject.size_guard.measures()
        for order in (one, other):
            assert measures[order.tenant.id].size > 4 << 20
            assert not measures[order.tenant.id].read_only
        await subject.provider.delete(one.tenant)
        assert one.tenant.id not in await subject.size_guard.measures()


async def test_what_is_confined_is_seen_to_be_and_let_in_until_it_is_released(
    subject: Subject,
) -> None:
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


async def test_confining_five_times_at_once_is_confining_once(subject: Subject) -> None:
    order = new_order()
    async with vended(subject.provider, order) as connection:
        await asyncio.gather(*[subject.size_guard.confine(order.tenant) for _ in range(5)])
        assert await read_only(subject, order.tenant.id)
        await subject.login_check.verify(connection)


async def test_whatever_is_done_to_it_it_stays_confined_until_it_is_made_anew(
    subject: Subject,
) -> None:
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


async def test_a_suspended_tenant_can_be_confined_and_released(subject: Subject) -> None:
    order = new_order()
    async with vended(subject.provider, order):
        await subject.provider.suspend(order.tenant)
        await subject.size_guard.confine(order.tenant)
        assert await read_only(subject, order.tenant.id)
        await subject.size_guard.release(order.tenant)
        assert not await read_only(subject, order.tenant.id)


async def test_what_never_was_counts_as_confined_and_as_released(subject: Subject) -> None:
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


async def test_others_may_come_and_go_while_all_are_measured(subject: Subject) -> None:
    order = new_order()

    async def come_and_go() -> None:
        for _ in range(3):
            async with vended(subject.provider, new_order()):
                pass

    async with vended(subject.provider, order):
        coming = asyncio.gather(*[come_and_go() for _ in range(4)])
        try:
            while not coming.done():
                measures = await subject.size_guard.measures()
                assert not measures[order.tenant.id].read_only
                await asyncio.sleep(0)
        finally:
            await coming


async def test_it_is_known_by_its_mark_whatever_its_name(subject: Subject) -> None:
    order = new_order()
    async with vended(subject.provider, order) as connection:
        if subject.admins:
            await subject.rename_role(connection.user, "renamed by the operator")
        await subject.size_guard.confine(order.tenant)
        assert await read_only(subject, order.tenant.id)
        await subject.size_guard.release(order.tenant)
        assert not await read_only(subject, order.tenant.id)

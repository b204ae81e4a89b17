"""What every provider promises of letting a tenant in no more, and again."""

import asyncio

import pytest

from domain.errors import ProviderRejected
from tests.contract.subjects import Subject
from tests.support.databases import held, holding_of, namesake, vended
from tests.support.orders import new_order, rotated


async def test_a_suspended_tenant_is_refused(subject: Subject) -> None:
    order = new_order()
    async with vended(subject.provider, order) as connection:
        await subject.provider.suspend(order.tenant)
        with pytest.raises(ProviderRejected):
            await subject.login_check.verify(connection)


async def test_a_suspended_tenant_is_let_in_again_by_a_provision(subject: Subject) -> None:
    order = new_order()
    async with vended(subject.provider, order):
        await subject.provider.suspend(order.tenant)
        await subject.login_check.verify(await subject.provider.provision(order))
        assert await held(subject.provider, order) == [holding_of(order)]


async def test_suspending_twice_is_suspending_once(subject: Subject) -> None:
    order = new_order()
    async with vended(subject.provider, order) as connection:
        await subject.provider.suspend(order.tenant)
        await subject.provider.suspend(order.tenant)
        with pytest.raises(ProviderRejected):
            await subject.login_check.verify(connection)
        await subject.login_check.verify(await subject.provider.provision(order))


async def test_a_tenant_that_was_let_in_again_can_be_suspended_again(subject: Subject) -> None:
    order = new_order()
    async with vended(subject.provider, order):
        await subject.provider.suspend(order.tenant)
        again = await subject.provider.provision(order)
        await subject.provider.suspend(order.tenant)
        with pytest.raises(ProviderRejected):
            await subject.login_check.verify(again)


async def test_a_tenant_may_be_let_in_again_with_its_next_password(subject: Subject) -> None:
    order = new_order()
    async with vended(subject.provider, order) as old:
        await subject.provider.suspend(order.tenant)
        await subject.login_check.verify(await subject.provider.provision(rotated(order)))
        with pytest.raises(ProviderRejected):
            await subject.login_check.verify(old)


async def test_suspending_five_times_at_once_is_suspending_once(subject: Subject) -> None:
    order = new_order()
    async with vended(subject.provider, order) as connection:
        await asyncio.gather(*[subject.provider.suspend(order.tenant) for _ in range(5)])
        with pytest.raises(ProviderRejected):
            await subject.login_check.verify(connection)
        await subject.login_check.verify(await subject.provider.provision(order))


async def test_a_suspended_tenant_is_in_the_inventory(subject: Subject) -> None:
    order = new_order()
    async with vended(subject.provider, order):
        await subject.provider.suspend(order.tenant)
        assert await held(subject.provider, order) == [holding_of(order)]


async def test_a_suspended_tenant_can_be_retired(subject: Subject) -> None:
    order = new_order()
    async with vended(subject.provider, order):
        await subject.provider.suspend(order.tenant)
        await subject.provider.retire(order.tenant)
        assert await held(subject.provider, order) == []


async def test_what_never_was_counts_as_suspended(subject: Subject) -> None:
    before = await subject.provider.inventory()
    await subject.provider.suspend(new_order().tenant)
    assert await subject.provider.inventory() == before


async def test_what_is_retired_counts_as_suspended(subject: Subject) -> None:
    order = new_order()
    async with vended(subject.provider, order):
        await subject.provider.retire(order.tenant)
        await subject.provider.suspend(order.tenant)
        assert await held(subject.provider, order) == []


async def test_suspending_another_id_of_the_same_names_touches_nothing(subject: Subject) -> None:
    order = new_order()
    async with vended(subject.provider, order) as connection:
        inventory = await subject.provider.inventory()
        await subject.provider.suspend(namesake(order).tenant)
        assert await subject.provider.inventory() == inventory
        await subject.login_check.verify(connection)


async def test_suspending_one_leaves_the_others(subject: Subject) -> None:
    order, other = new_order(), new_order()
    async with vended(subject.provider, order), vended(subject.provider, other) as connection:
        await subject.provider.suspend(order.tenant)
        await subject.login_check.verify(connection)
        assert await held(subject.provider, other) == [holding_of(other)]

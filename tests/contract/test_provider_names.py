"""What every provider promises of names, where two tenants cannot both have one."""

import asyncio

import pytest

from domain.connection import Connection
from domain.errors import NameTaken
from domain.naming import Names
from domain.order import Order
from tests.contract.conftest import kinds
from tests.contract.subjects import Subject
from tests.support.databases import holding_of, namesake, vended
from tests.support.orders import new_order

kind = kinds(lambda kind: kind.unique_names)


async def test_a_name_in_use_is_refused_and_its_holder_left_as_it_was(subject: Subject) -> None:
    order = new_order()
    async with vended(subject.provider, order) as connection:
        inventory = await subject.provider.inventory()
        with pytest.raises(NameTaken):
            await subject.provider.provision(namesake(order))
        assert await subject.provider.inventory() == inventory
        await subject.login_check.verify(connection)


async def test_a_database_name_in_use_is_refused_under_another_owner_too(subject: Subject) -> None:
    order = new_order()
    names = Names(database=order.tenant.names.database, owner=new_order().tenant.names.owner)
    async with vended(subject.provider, order) as connection:
        with pytest.raises(NameTaken):
            await subject.provider.provision(namesake(order, names))
        await subject.login_check.verify(connection)
        assert holding_of(order) in await subject.provider.inventory()


async def test_an_owner_name_in_use_is_refused_for_another_database_too(subject: Subject) -> None:
    order = new_order()
    names = Names(database=new_order().tenant.names.database, owner=order.tenant.names.owner)
    async with vended(subject.provider, order) as connection:
        with pytest.raises(NameTaken):
            await subject.provider.provision(namesake(order, names))
        await subject.login_check.verify(connection)
        assert holding_of(order) in await subject.provider.inventory()


async def test_of_racing_orders_for_one_name_one_wins(subject: Subject) -> None:
    await asyncio.gather(*[subject.provider.ping() for _ in range(6)])  # else logins decide
    for _ in range(5):
        first = new_order()
        orders = [first, *(namesake(first) for _ in range(5))]
        try:
            await _race(subject, orders)
        finally:
            await asyncio.gather(*(subject.provider.retire(order.tenant) for order in orders))


async def test_a_refusal_holds_no_password(subject: Subject) -> None:
    order = new_order()
    async with vended(subject.provider, order) as connection:
        other = namesake(order)
        with pytest.raises(NameTaken) as taken:
            await subject.provider.provision(other)
        text = f"{taken.value!r} {taken.value!s}"
        passwords = (connection.password, order.password, other.password)
        assert [word for word in passwords if word.reveal() in text] == []


async def _race(subject: Subject, orders: list[Order]) -> None:
    results = await asyncio.gather(
        *(subject.provider.provision(order) for order in orders), return_exceptions=True
    )
    won = [
        (order, result)
        for order, result in zip(orders, results, strict=True)
        if isinstance(result, Connection)
    ]
    [(winner, connection)] = won
    losers = [result for result in results if result is not connection]
    assert [type(error) for error in losers] == [NameTaken] * len(losers)
    await subject.login_check.verify(connection)
    ids = {order.tenant.id for order in orders}
    left = [found for found in await subject.provider.inventory() if found.id in ids]
    assert left == [holding_of(winner)]

"""What every provider promises of making databases."""

import asyncio
from dataclasses import replace

import pytest

from domain.connection import Connection
from domain.errors import ExtensionUnavailable, NameTaken
from domain.naming import Names
from domain.order import Order
from tests.contract.conftest import Subject
from tests.support.databases import held, holding_of, namesake, vended
from tests.support.orders import new_order, rotated


async def test_what_was_not_ordered_is_not_there(subject: Subject) -> None:
    assert await held(subject.provider, new_order()) == []


async def test_a_provisioned_database_takes_its_login(subject: Subject) -> None:
    async with vended(subject.provider, new_order()) as connection:
        await subject.login_check.verify(connection)


async def test_the_connection_bears_the_names_and_the_password_of_the_order(
    subject: Subject,
) -> None:
    order = new_order()
    async with vended(subject.provider, order) as connection:
        assert (connection.database, connection.user, connection.password) == (
            order.tenant.names.database,
            order.tenant.names.owner,
            order.password,
        )


async def test_a_provisioned_database_is_in_the_inventory(subject: Subject) -> None:
    order = new_order()
    async with vended(subject.provider, order):
        assert await held(subject.provider, order) == [holding_of(order)]


async def test_names_may_be_as_long_as_postgresql_takes_them(subject: Subject) -> None:
    order = new_order(f"{new_order().tenant.id} {'long' * 20}")
    async with vended(subject.provider, order) as connection:
        await subject.login_check.verify(connection)
        assert await held(subject.provider, order) == [holding_of(order)]


async def test_provisioning_again_gives_the_same_connection(subject: Subject) -> None:
    order = new_order()
    async with vended(subject.provider, order) as connection:
        assert await subject.provider.provision(order) == connection
        assert await held(subject.provider, order) == [holding_of(order)]
        await subject.login_check.verify(connection)


async def test_provisioning_five_times_at_once_makes_one_database(subject: Subject) -> None:
    order = new_order()
    try:
        connections = await asyncio.gather(*[subject.provider.provision(order) for _ in range(5)])
        assert len(set(connections)) == 1
        assert await held(subject.provider, order) == [holding_of(order)]
        await subject.login_check.verify(connections[0])
    finally:
        await subject.provider.retire(order.tenant)


async def test_provisioning_again_brings_back_the_password_of_the_order(subject: Subject) -> None:
    order = new_order()
    async with vended(subject.provider, order) as connection:
        await subject.provider.rotate(rotated(order))
        await subject.provider.provision(order)
        await subject.login_check.verify(connection)


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


async def test_twenty_different_orders_at_once_all_work(subject: Subject) -> None:
    orders = [new_order() for _ in range(20)]
    try:
        connections = await asyncio.gather(*map(subject.provider.provision, orders))
        await asyncio.gather(*map(subject.login_check.verify, connections))
        inventory = await subject.provider.inventory()
        assert [holding_of(order) in inventory for order in orders] == [True] * 20
    finally:
        await asyncio.gather(*(subject.provider.retire(order.tenant) for order in orders))


async def test_the_inventory_is_ordered_by_id(subject: Subject) -> None:
    orders = [new_order() for _ in range(4)]
    async with (
        vended(subject.provider, orders[2]),
        vended(subject.provider, orders[0]),
        vended(subject.provider, orders[3]),
        vended(subject.provider, orders[1]),
    ):
        ids = [found.id for found in await subject.provider.inventory()]
        assert ids == sorted(ids)
        assert {order.tenant.id for order in orders} <= set(ids)


async def test_a_provider_that_would_take_an_order_answers_a_ping(subject: Subject) -> None:
    await subject.provider.ping()


async def test_nothing_that_can_be_printed_holds_the_password(subject: Subject) -> None:
    order = new_order()
    async with vended(subject.provider, order) as connection:
        with pytest.raises(NameTaken) as taken:
            await subject.provider.provision(namesake(order))
        texts = [f"{it!r} {it!s}" for it in (order, connection, taken.value, subject.provider)]
        assert [text for text in texts if order.password.reveal() in text] == []


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


async def test_an_extension_that_cannot_be_had_is_refused(subject: Subject) -> None:
    order = replace(new_order(), extensions=("no_such_extension",))
    try:
        with pytest.raises(ExtensionUnavailable, match="no_such_extension"):
            await subject.provider.provision(order)
    finally:
        await subject.provider.retire(order.tenant)

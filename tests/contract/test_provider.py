"""What every provider promises of making databases."""

import asyncio
from dataclasses import replace

import pytest

from domain.errors import ExtensionUnavailable
from tests.contract.subjects import Subject
from tests.support.databases import held, holding_of, vended
from tests.support.orders import new_order, rotated


async def test_what_was_not_ordered_is_not_there(subject: Subject) -> None:
    assert await held(subject.provider, new_order()) == []


async def test_a_provisioned_database_takes_its_login(subject: Subject) -> None:
    async with vended(subject.provider, new_order()) as connection:
        await subject.login_check.verify(connection)


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


async def test_many_different_orders_at_once_all_work(subject: Subject) -> None:
    orders = [new_order() for _ in range(subject.crowd)]
    try:
        connections = await asyncio.gather(*map(subject.provider.provision, orders))
        await asyncio.gather(*map(subject.login_check.verify, connections))
        inventory = await subject.provider.inventory()
        assert [holding_of(order) in inventory for order in orders] == [True] * subject.crowd
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


async def test_an_extension_that_cannot_be_had_is_refused(subject: Subject) -> None:
    order = replace(new_order(), extensions=("no_such_extension",))
    try:
        with pytest.raises(ExtensionUnavailable, match="no_such_extension"):
            await subject.provider.provision(order)
    finally:
        await subject.provider.retire(order.tenant)


async def test_the_connection_bears_the_names_of_the_order(subject: Subject) -> None:
    order = new_order()
    async with vended(subject.provider, order) as connection:
        names = order.tenant.names
        assert (connection.database, connection.user) == (names.database, names.owner)


async def test_provisioning_after_a_rotation_gives_a_working_login(subject: Subject) -> None:
    order = new_order()
    async with vended(subject.provider, order):
        await subject.provider.rotate(rotated(order))
        await subject.login_check.verify(await subject.provider.provision(order))


async def test_nothing_that_can_be_printed_holds_the_password(subject: Subject) -> None:
    order = new_order()
    async with vended(subject.provider, order) as connection:
        texts = [f"{it!r} {it!s}" for it in (order, connection, subject.provider)]
        secrets = {order.password.reveal(), connection.password.reveal()}
        assert [text for text in texts for secret in secrets if secret in text] == []

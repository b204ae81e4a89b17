"""The contract of a provider: names that are unique among tenants."""

import asyncio

import pytest

from domain.connection import Connection
from domain.errors import NameTaken
from domain.names import Names
from domain.provisioning import Order
from tests.contract.conftest import only
from tests.contract.provider_kinds import Subject
from tests.support.databases import holding_of, namesake, vended
from tests.support.provision_requests import new_order

pytestmark = only(lambda kind: kind.unique_names)


@pytest.mark.parametrize("taken", ["both", "database", "owner"])
async def test_a_name_in_use_is_refused_and_its_owner_unchanged(
    subject: Subject, taken: str
) -> None:
    order = new_order()
    names, free = order.tenant.names, new_order().tenant.names
    if taken == "database":
        names = Names(database=names.database, owner=free.owner)
    elif taken == "owner":
        names = Names(database=free.database, owner=names.owner)
    async with vended(subject.provider, order) as connection:
        inventory, other = await subject.provider.inventory(), namesake(order, names)
        with pytest.raises(NameTaken) as refused:
            await subject.provider.provision(other)
        assert await subject.provider.inventory() == inventory
        await subject.login_check.verify(connection)
        passwords = (connection.password, order.password, other.password)
        text = f"{refused.value!r} {refused.value!s}"
        assert [word for word in passwords if word.reveal() in text] == []


async def test_of_concurrent_requests_for_one_name_one_succeeds(subject: Subject) -> None:
    # open connections first: else the first login decides
    await asyncio.gather(*[subject.provider.ping() for _ in range(6)])
    for _ in range(3):
        first = new_order()
        orders = [first, *(namesake(first) for _ in range(5))]
        try:
            await _race(subject, orders)
        finally:
            await asyncio.gather(*(subject.provider.delete(order.tenant) for order in orders))


async def _race(subject: Subject, orders: list[Order]) -> None:
    results = await asyncio.gather(
        *(subject.provider.provision(order) for order in orders), return_exceptions=True
    )
    [(winner, connection)] = [
        (order, result)
        for order, result in zip(orders, results, strict=True)
        if isinstance(result, Connection)
    ]
    losers = [result for result in results if result is not connection]
    assert [type(error) for error in losers] == [NameTaken] * len(losers)
    await subject.login_check.verify(connection)
    ids = {order.tenant.id for order in orders}
    left = [found for found in await subject.provider.inventory() if found.id in ids]
    assert left == [holding_of(winner)]

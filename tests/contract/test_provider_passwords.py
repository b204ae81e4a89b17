"""What every provider promises of passwords, where the other side lets us choose them."""

import asyncio

from tests.contract.conftest import kinds
from tests.contract.subjects import Subject
from tests.support.databases import vended
from tests.support.orders import new_order, rotated

kind = kinds(lambda kind: kind.chooses_passwords)


async def test_the_connection_bears_the_password_of_the_order(
    subject: Subject,
) -> None:
    order = new_order()
    async with vended(subject.provider, order) as connection:
        assert connection.password == order.password


async def test_provisioning_again_brings_back_the_password_of_the_order(subject: Subject) -> None:
    order = new_order()
    async with vended(subject.provider, order) as connection:
        await subject.provider.rotate(rotated(order))
        await subject.provider.provision(order)
        await subject.login_check.verify(connection)


async def test_rotating_again_gives_the_same_connection(subject: Subject) -> None:
    order = new_order()
    async with vended(subject.provider, order):
        new = rotated(order)
        first = await subject.provider.rotate(new)
        assert await subject.provider.rotate(new) == first
        await subject.login_check.verify(first)


async def test_rotating_five_times_at_once_ends_in_one_password(subject: Subject) -> None:
    order = new_order()
    async with vended(subject.provider, order):
        new = rotated(order)
        first, *others = await asyncio.gather(*[subject.provider.rotate(new) for _ in range(5)])
        assert others == [first] * 4
        await subject.login_check.verify(first)

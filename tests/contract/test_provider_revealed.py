"""What every provider promises of telling a connection again."""

import asyncio
from dataclasses import replace

from tests.contract.subjects import Subject
from tests.support.databases import held, vended
from tests.support.orders import new_order, rotated


async def test_what_is_revealed_is_what_was_provisioned(subject: Subject) -> None:
    order = new_order()
    async with vended(subject.provider, order) as connection:
        assert await subject.provider.reveal(order) == connection


async def test_after_a_rotation_the_newest_connection_is_revealed(subject: Subject) -> None:
    order = new_order()
    async with vended(subject.provider, order):
        for rotation in (1, 2):
            new = rotated(order, rotation)
            connection = await subject.provider.rotate(new)
            assert await subject.provider.reveal(new) == connection
            await subject.login_check.verify(connection)


async def test_revealing_changes_nothing(subject: Subject) -> None:
    order = new_order()
    async with vended(subject.provider, order) as connection:
        inventory = await subject.provider.inventory()
        revealed = await asyncio.gather(*[subject.provider.reveal(order) for _ in range(5)])
        assert revealed == [connection] * 5
        assert await subject.provider.inventory() == inventory
        await subject.login_check.verify(connection)


async def test_what_is_let_in_again_is_revealed_as_it_is_then(subject: Subject) -> None:
    order = new_order()
    async with vended(subject.provider, order):
        await subject.provider.suspend(order.tenant)
        connection = await subject.provider.provision(order)
        assert await subject.provider.reveal(order) == connection
        await subject.login_check.verify(connection)


async def test_extensions_are_no_part_of_what_is_revealed(subject: Subject) -> None:
    order = new_order()
    async with vended(subject.provider, order) as connection:
        with_extension = replace(order, extensions=("no_such_extension",))
        assert await subject.provider.reveal(with_extension) == connection


async def test_revealing_makes_nothing_that_is_not_there(subject: Subject) -> None:
    """Where a password is the other side's, an error says that there is none."""
    order = new_order()
    await asyncio.gather(subject.provider.reveal(order), return_exceptions=True)
    assert await held(subject.provider, order) == []

"""What every provider promises of dropping databases and of changing passwords."""

import asyncio

import pytest

from domain.errors import DatabaseNotFound, PgvendError, ProviderRejected
from tests.contract.subjects import Subject
from tests.support.databases import held, holding_of, namesake, vended
from tests.support.orders import new_order, rotated


async def test_a_retired_database_is_gone(subject: Subject) -> None:
    order = new_order()
    connection = await subject.provider.provision(order)
    await subject.provider.retire(order.tenant)
    assert await held(subject.provider, order) == []
    with pytest.raises(PgvendError):  # the server may be gone, too
        await subject.login_check.verify(connection)


async def test_retiring_again_changes_nothing(subject: Subject) -> None:
    order = new_order()
    async with vended(subject.provider, order):
        await subject.provider.retire(order.tenant)
        await subject.provider.retire(order.tenant)
        assert await held(subject.provider, order) == []


async def test_retiring_five_times_at_once_drops_it_once(subject: Subject) -> None:
    order = new_order()
    async with vended(subject.provider, order):
        await asyncio.gather(*[subject.provider.retire(order.tenant) for _ in range(5)])
        assert await held(subject.provider, order) == []


async def test_retiring_what_never_was_is_done_at_once(subject: Subject) -> None:
    before = await subject.provider.inventory()
    await subject.provider.retire(new_order().tenant)
    assert await subject.provider.inventory() == before


async def test_a_retired_order_can_be_provisioned_again(subject: Subject) -> None:
    order = new_order()
    async with vended(subject.provider, order) as connection:
        await subject.provider.retire(order.tenant)
        again = await subject.provider.provision(order)
        assert (again.database, again.user) == (connection.database, connection.user)
        await subject.login_check.verify(again)


async def test_the_names_of_a_retired_database_are_free(subject: Subject) -> None:
    first = new_order()
    await subject.provider.provision(first)
    await subject.provider.retire(first.tenant)
    second = namesake(first)
    async with vended(subject.provider, second) as connection:
        await subject.login_check.verify(connection)
        assert await held(subject.provider, second) == [holding_of(second)]


async def test_retiring_another_id_of_the_same_names_touches_nothing(subject: Subject) -> None:
    order = new_order()
    async with vended(subject.provider, order) as connection:
        inventory = await subject.provider.inventory()
        await subject.provider.retire(namesake(order).tenant)
        assert await subject.provider.inventory() == inventory
        await subject.login_check.verify(connection)


async def test_retiring_one_leaves_the_others(subject: Subject) -> None:
    order, other = new_order(), new_order()
    async with vended(subject.provider, order), vended(subject.provider, other) as connection:
        await subject.provider.retire(order.tenant)
        await subject.login_check.verify(connection)
        assert await held(subject.provider, other) == [holding_of(other)]


async def test_after_a_rotation_the_new_password_logs_in_and_the_old_does_not(
    subject: Subject,
) -> None:
    order = new_order()
    async with vended(subject.provider, order) as old:
        new = await subject.provider.rotate(rotated(order))
        await subject.login_check.verify(new)
        with pytest.raises(ProviderRejected):
            await subject.login_check.verify(old)
        assert await held(subject.provider, order) == [holding_of(order)]


async def test_what_never_was_has_no_password_to_rotate(subject: Subject) -> None:
    before = await subject.provider.inventory()
    with pytest.raises(DatabaseNotFound):
        await subject.provider.rotate(new_order())
    assert await subject.provider.inventory() == before


async def test_another_id_of_the_same_names_cannot_rotate_the_password(subject: Subject) -> None:
    order = new_order()
    async with vended(subject.provider, order) as connection:
        with pytest.raises(DatabaseNotFound):
            await subject.provider.rotate(namesake(order))
        await subject.login_check.verify(connection)


async def test_what_is_retired_has_no_password_to_rotate(subject: Subject) -> None:
    order = new_order()
    async with vended(subject.provider, order):
        await subject.provider.retire(order.tenant)
        with pytest.raises(DatabaseNotFound):
            await subject.provider.rotate(rotated(order))


async def test_after_several_rotations_the_last_password_logs_in(subject: Subject) -> None:
    order = new_order()
    async with vended(subject.provider, order):
        for _ in range(3):
            last = await subject.provider.rotate(rotated(order))
        await subject.login_check.verify(last)


async def test_rotating_five_times_at_once_leaves_a_working_login(subject: Subject) -> None:
    order = new_order()
    async with vended(subject.provider, order):
        await asyncio.gather(*[subject.provider.rotate(rotated(order)) for _ in range(5)])
        await subject.login_check.verify(await subject.provider.provision(order))

"""The contract of a provider: rotation of passwords."""

import asyncio

import pytest

from domain.errors import DatabaseNotFound, ProviderRejected
from tests.contract.conftest import only
from tests.contract.provider_kinds import Subject
from tests.support.databases import held, holding_of, namesake, vended
from tests.support.provision_requests import new_order, rotated


async def test_after_a_rotation_the_new_password_logs_in_and_the_old_does_not(
    subject: Subject,
) -> None:
    order = new_order()
    async with vended(subject.provider, order) as old:
        for _ in range(3):
            new = await subject.provider.rotate(rotated(order))
            await subject.login_check.verify(new)
            with pytest.raises(ProviderRejected):
                await subject.login_check.verify(old)
        assert await held(subject.provider, order) == [holding_of(order)]
        await subject.login_check.verify(await subject.provider.provision(order))


async def test_five_concurrent_rotations_leave_a_working_login(subject: Subject) -> None:
    order = new_order()
    async with vended(subject.provider, order):
        await asyncio.gather(*[subject.provider.rotate(rotated(order)) for _ in range(5)])
        await subject.login_check.verify(await subject.provider.provision(order))


async def test_the_password_of_a_missing_tenant_cannot_be_rotated(subject: Subject) -> None:
    order, nobodys = new_order(), new_order()
    async with vended(subject.provider, order) as connection:
        for other in (nobodys, namesake(order)):
            with pytest.raises(DatabaseNotFound):
                await subject.provider.rotate(other)
        await subject.login_check.verify(connection)
        assert await held(subject.provider, nobodys) == []

        await subject.provider.delete(order.tenant)
        with pytest.raises(DatabaseNotFound):
            await subject.provider.rotate(rotated(order))


@only(lambda kind: kind.chooses_passwords)
async def test_the_password_is_that_of_the_request(subject: Subject) -> None:
    order = new_order()
    async with vended(subject.provider, order) as connection:
        assert connection.password == order.password
        new = rotated(order)
        first, *others = await asyncio.gather(*[subject.provider.rotate(new) for _ in range(5)])
        assert others == [first] * 4
        assert await subject.provider.rotate(new) == first
        await subject.login_check.verify(first)

        await subject.provider.provision(order)
        await subject.login_check.verify(connection)

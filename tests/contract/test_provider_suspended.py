"""The contract of a provider: deletion and suspension."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from adapters.postgres.errors import FAILURES
from adapters.postgres.sessions import tenant_session
from domain.connection import Connection
from domain.errors import PgvendError, ProviderRejected
from tests.contract.conftest import only
from tests.contract.provider_kinds import Subject
from tests.support.databases import held, holding_of, namesake, vended
from tests.support.provision_requests import new_order, rotated


async def test_a_deleted_database_refuses_logins(subject: Subject) -> None:
    order = new_order()
    connection = await subject.provider.provision(order)
    for _ in range(2):
        await subject.provider.delete(order.tenant)
        assert await held(subject.provider, order) == []
    with pytest.raises(PgvendError):  # the server may be gone as well
        await subject.login_check.verify(connection)


async def test_five_concurrent_deletions_converge(subject: Subject) -> None:
    order = new_order()
    async with vended(subject.provider, order):
        await asyncio.gather(*[subject.provider.delete(order.tenant) for _ in range(5)])
        assert await held(subject.provider, order) == []


async def test_a_deleted_name_can_be_provisioned_by_another_tenant(subject: Subject) -> None:
    first = new_order()
    for order in (first, first, namesake(first)):
        async with vended(subject.provider, order) as connection:
            names = order.tenant.names
            assert (connection.database, connection.user) == (names.database, names.owner)
            await subject.login_check.verify(connection)
            assert await held(subject.provider, order) == [holding_of(order)]


async def test_a_tenant_that_never_existed_counts_as_deleted_and_suspended(
    subject: Subject,
) -> None:
    before = await subject.provider.inventory()
    await subject.provider.suspend(new_order().tenant)
    await subject.provider.delete(new_order().tenant)
    assert await subject.provider.inventory() == before


async def test_deletion_and_suspension_touch_no_other_tenant(subject: Subject) -> None:
    order, other = new_order(), new_order()
    for call in (subject.provider.suspend, subject.provider.delete):
        async with vended(subject.provider, order), vended(subject.provider, other) as connection:
            inventory = await subject.provider.inventory()
            await call(namesake(other).tenant)
            assert await subject.provider.inventory() == inventory
            await subject.login_check.verify(connection)

            await call(order.tenant)
            await subject.login_check.verify(connection)
            assert await held(subject.provider, other) == [holding_of(other)]


async def test_a_suspended_tenant_is_refused_until_it_is_provisioned_again(
    subject: Subject,
) -> None:
    order = new_order()
    async with vended(subject.provider, order):
        for times in (1, 2):
            connection = await subject.provider.provision(order)
            for _ in range(times):
                await subject.provider.suspend(order.tenant)
                await _assert_refused(subject, connection)
            assert await held(subject.provider, order) == [holding_of(order)]
            await subject.login_check.verify(await subject.provider.provision(order))
            assert await held(subject.provider, order) == [holding_of(order)]


async def test_five_concurrent_suspensions_converge(subject: Subject) -> None:
    order = new_order()
    async with vended(subject.provider, order) as connection:
        await asyncio.gather(*[subject.provider.suspend(order.tenant) for _ in range(5)])
        await _assert_refused(subject, connection)
        await subject.login_check.verify(await subject.provider.provision(order))


async def test_a_suspended_tenant_can_be_reopened_with_its_next_password(subject: Subject) -> None:
    order = new_order()
    async with vended(subject.provider, order) as old:
        await subject.provider.suspend(order.tenant)
        await subject.login_check.verify(await subject.provider.provision(rotated(order)))
        await _assert_refused(subject, old)


async def test_a_suspended_tenant_can_be_deleted_and_counts_as_suspended(subject: Subject) -> None:
    order = new_order()
    async with vended(subject.provider, order):
        await subject.provider.suspend(order.tenant)
        await subject.provider.delete(order.tenant)
        assert await held(subject.provider, order) == []
        await subject.provider.suspend(order.tenant)
        assert await held(subject.provider, order) == []


@only(lambda kind: kind.has_sessions)
async def test_suspension_ends_sessions_and_keeps_data(subject: Subject) -> None:
    order = new_order()
    async with vended(subject.provider, order) as connection, AsyncExitStack() as sessions:
        opened = [await sessions.enter_async_context(tenant_session(connection)) for _ in range(3)]
        make = "CREATE SCHEMA safe; CREATE TABLE safe.kept AS SELECT 42 AS answer"
        await opened[0].execute(make)
        await subject.provider.suspend(order.tenant)
        for ended in opened:
            with pytest.raises(FAILURES):
                await ended.execute("SELECT 1")

        async with tenant_session(await subject.provider.provision(order)) as session:
            assert await session.fetchval("SELECT answer FROM safe.kept") == 42
            await session.execute(make.replace("safe", "owned"))


async def _assert_refused(subject: Subject, connection: Connection) -> None:
    with pytest.raises(ProviderRejected):
        await subject.login_check.verify(connection)
